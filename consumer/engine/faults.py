"""Which code a foreign error of the engine gets, and what may be said about it."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Final

from pydantic import ValidationError

from contracts.errors import ErrorCode

_MAX_MESSAGE_CHARS: Final = 500
_OUT_OF_MEMORY: Final = ("out of memory", "bad_alloc", "failed to allocate", "cublas_status_alloc_failed")


def classify(error: Exception) -> tuple[ErrorCode, str]:
    """Code and message of an error that faster-whisper or CTranslate2 let through.

    The text of an unforeseen error is withheld, as it may quote the transcript; its place is not.
    """
    match error:
        case MemoryError():
            return ErrorCode.GPU_OUT_OF_MEMORY, "the engine process ran out of memory"
        case RuntimeError() if any(words in str(error).lower() for words in _OUT_OF_MEMORY):
            return ErrorCode.GPU_OUT_OF_MEMORY, f"the device ran out of memory: {_short(error)}"
        case RuntimeError():  # CTranslate2's own errors: they speak of devices and shapes, never of text
            return ErrorCode.INTERNAL, f"the engine failed: {_short(error)}"
        case ValueError() if not isinstance(error, ValidationError | UnicodeError):
            return ErrorCode.REQUEST_INVALID, f"the engine refuses these options: {_short(error)}"
        case _:
            return ErrorCode.INTERNAL, f"the engine failed with {type(error).__name__}{_place(error)}"


def _short(error: Exception) -> str:
    return str(error)[:_MAX_MESSAGE_CHARS]


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
