"""The closed vocabulary of error codes and the verdict each one carries."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What a worker does with a job that failed."""

    PERMANENT = "permanent"
    """Set aside on the dead-letter topic at once: a repetition would fail the same way."""
    TRANSIENT = "transient"
    """Try again later, a bounded number of times."""
    OUTAGE = "outage"
    """Keep the job and pause intake until the dependency answers again."""
    FINAL = "final"
    """Settle as `cancelled`: not an error of anybody."""


class ErrorCode(StrEnum):
    """One stable code per way to fail: the metric label, the event field and the header."""

    REQUEST_INVALID = "REQUEST_INVALID"
    REQUEST_UNSUPPORTED_VERSION = "REQUEST_UNSUPPORTED_VERSION"
    JOB_ID_CONFLICT = "JOB_ID_CONFLICT"
    INPUT_FORBIDDEN = "INPUT_FORBIDDEN"
    OUTPUT_FORBIDDEN = "OUTPUT_FORBIDDEN"
    INPUT_CHANGED = "INPUT_CHANGED"
    INPUT_TOO_LARGE = "INPUT_TOO_LARGE"
    INPUT_TOO_LONG = "INPUT_TOO_LONG"
    INPUT_TOO_SHORT = "INPUT_TOO_SHORT"
    MEDIA_UNSUPPORTED = "MEDIA_UNSUPPORTED"
    MEDIA_NO_AUDIO = "MEDIA_NO_AUDIO"
    MEDIA_CORRUPT = "MEDIA_CORRUPT"
    MEDIA_DECODER_FAILED = "MEDIA_DECODER_FAILED"
    MODEL_UNKNOWN = "MODEL_UNKNOWN"

    INPUT_NOT_FOUND = "INPUT_NOT_FOUND"
    GPU_OUT_OF_MEMORY = "GPU_OUT_OF_MEMORY"
    ENGINE_CRASHED = "ENGINE_CRASHED"
    ENGINE_TIMEOUT = "ENGINE_TIMEOUT"
    WORKER_LOST = "WORKER_LOST"
    INTERNAL = "INTERNAL"

    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    STORAGE_THROTTLED = "STORAGE_THROTTLED"
    CREDENTIALS_EXPIRED = "CREDENTIALS_EXPIRED"
    BROKER_UNAVAILABLE = "BROKER_UNAVAILABLE"
    MODEL_LOAD_FAILED = "MODEL_LOAD_FAILED"
    SCRATCH_FULL = "SCRATCH_FULL"

    CANCELLED = "CANCELLED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"


VERDICTS: Final[dict[ErrorCode, Verdict]] = {
    **dict.fromkeys(
        (
            ErrorCode.REQUEST_INVALID,
            ErrorCode.REQUEST_UNSUPPORTED_VERSION,
            ErrorCode.JOB_ID_CONFLICT,
            ErrorCode.INPUT_FORBIDDEN,
            ErrorCode.OUTPUT_FORBIDDEN,
            ErrorCode.INPUT_CHANGED,
            ErrorCode.INPUT_TOO_LARGE,
            ErrorCode.INPUT_TOO_LONG,
            ErrorCode.INPUT_TOO_SHORT,
            ErrorCode.MEDIA_UNSUPPORTED,
            ErrorCode.MEDIA_NO_AUDIO,
            ErrorCode.MEDIA_CORRUPT,
            ErrorCode.MEDIA_DECODER_FAILED,
            ErrorCode.MODEL_UNKNOWN,
        ),
        Verdict.PERMANENT,
    ),
    **dict.fromkeys(
        (
            ErrorCode.INPUT_NOT_FOUND,
            ErrorCode.GPU_OUT_OF_MEMORY,
            ErrorCode.ENGINE_CRASHED,
            ErrorCode.ENGINE_TIMEOUT,
            ErrorCode.WORKER_LOST,
            ErrorCode.INTERNAL,
        ),
        Verdict.TRANSIENT,
    ),
    **dict.fromkeys(
        (
            ErrorCode.STORAGE_UNAVAILABLE,
            ErrorCode.STORAGE_THROTTLED,
            ErrorCode.CREDENTIALS_EXPIRED,
            ErrorCode.BROKER_UNAVAILABLE,
            ErrorCode.MODEL_LOAD_FAILED,
            ErrorCode.SCRATCH_FULL,
        ),
        Verdict.OUTAGE,
    ),
    **dict.fromkeys((ErrorCode.CANCELLED, ErrorCode.DEADLINE_EXCEEDED), Verdict.FINAL),
}
"""Every code's verdict; a test holds that none is missing."""
