"""What a foreign error of the engine means, in one table: its code, and what may be said about it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from pydantic import ValidationError

from contracts.errors import ErrorCode

_MAX_MESSAGE_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Row:
    """Which errors are meant, and what they come to."""

    kinds: tuple[type[Exception], ...]
    words: tuple[str, ...]
    """Any of them stands in the error's text, in small letters; none: whatever it says."""
    code: ErrorCode
    meaning: str
    ends_process: bool = False
    """Nothing in the process will work any more: it has to be replaced."""


MEMORY: Final = (
    "out of memory", "bad_alloc", "failed to allocate", "cannot allocate memory", "cublas_status_alloc_failed",
)  # fmt: skip
DEVICE: Final = (
    # Of CUDA. Its context is lost with any of these: every later call in the process fails the same way.
    "illegal memory access", "illegal instruction", "misaligned address", "invalid program counter",
    "hardware stack error", "device-side assert", "unspecified launch failure", "launch timed out",
    "uncorrectable ecc error", "uncorrectable nvlink error", "context is destroyed", "driver shutting down",
    "no cuda-capable device is detected", "busy or unavailable", "cuda failed with error unknown error",
    # Of cuBLAS, in the wake of one of those.
    "cublas_status_execution_failed", "cublas_status_internal_error", "cublas_status_mapping_error",
    "cublas_status_not_initialized",
)  # fmt: skip
OPTIONS: Final = (
    # Of faster-whisper.
    "is not a valid language code", "is not a valid task", "length of the prompt",
    # Of CTranslate2.
    "the beam size", "number of hypotheses", "patience factor", "repetition penalty", "sampling_topp", "sampling_topk",
)  # fmt: skip

ROWS: Final = (
    Row((MemoryError,), (), ErrorCode.GPU_OUT_OF_MEMORY, "the engine process ran out of memory"),
    # onnxruntime, which looks for speech, has no common class for its errors.
    Row((Exception,), MEMORY, ErrorCode.GPU_OUT_OF_MEMORY, "the device or the engine process ran out of memory"),
    Row((RuntimeError,), DEVICE, ErrorCode.ENGINE_CRASHED, "the device failed", ends_process=True),
    Row((ValueError,), OPTIONS, ErrorCode.REQUEST_INVALID, "the engine refuses these options"),
    Row((Exception,), (), ErrorCode.INTERNAL, "the engine failed"),
)
"""The first row that fits counts."""


def row_of(error: Exception) -> Row:
    """Judges an error that faster-whisper or a library below it let through."""
    text = "" if _may_quote(error) else str(error).lower()
    return next(
        row
        for row in ROWS
        if isinstance(error, row.kinds) and (not row.words or any(each in text for each in row.words))
    )


def classify(error: Exception) -> tuple[ErrorCode, str]:
    """Code and message of such an error.

    The text of an unforeseen error is withheld, as it may quote the transcript; its place is not.
    """
    row = row_of(error)
    # CTranslate2's own errors are RuntimeErrors: they speak of devices and shapes, never of text.
    if isinstance(error, RuntimeError) or row.code is ErrorCode.REQUEST_INVALID:
        return row.code, f"{row.meaning}: {str(error)[:_MAX_MESSAGE_CHARS]}"
    if row.code is ErrorCode.INTERNAL:
        return row.code, f"{row.meaning} with {type(error).__name__}{_place(error)}"
    return row.code, row.meaning


def _may_quote(error: Exception) -> bool:
    """Whether its text holds values, which may be anything that somebody said."""
    return isinstance(error, ValidationError | UnicodeError | KeyError)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
