"""How CTranslate2 lays out `model.bin`: a cut or foreign file shows without a hash, and without being read through."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO, Final

_VERSIONS: Final = range(4, 7)
"""Of the layout: the fourth gave each variable type and size, the sixth is CTranslate2 4's. Others are not judged."""
_PLAUSIBLE: Final = range(1, 100)
_SPECIFICATION: Final = "WhisperSpec"


class _CutError(Exception):
    """The file ends before its own account of itself does."""


def flaw_of(weights: Path) -> str | None:
    """What is wrong with the layout, as the end of a sentence; None where it is sound. Blocks for milliseconds.

    Bytes changed inside a variable go unseen: only a hash tells.
    """
    size_bytes = weights.stat().st_size
    try:
        with weights.open("rb") as stream:
            flaw = _walk(stream)
            end = stream.tell()
    except _CutError:
        return f"is cut short, at {size_bytes} bytes"
    if flaw is None and end != size_bytes:
        return "is cut short" if end > size_bytes else f"has {size_bytes - end} bytes too many"
    return flaw


def _walk(stream: IO[bytes]) -> str | None:
    """Goes from variable to variable and stops at the end that they tell, which the file may not reach."""
    version = _number(stream, "I")
    if version not in _VERSIONS:
        stream.seek(0, os.SEEK_END)
        return None if version in _PLAUSIBLE else "is no file of CTranslate2's"
    specification = _text(stream)
    if specification != _SPECIFICATION:
        return f"is no Whisper model's but a {specification[:40]}'s"
    _number(stream, "I")
    for _ in range(_number(stream, "I")):
        _text(stream)
        stream.seek(4 * _number(stream, "B") + 1, os.SEEK_CUR)
        stream.seek(_number(stream, "I"), os.SEEK_CUR)
    for _ in range(2 * _number(stream, "I")):
        _text(stream)
    return None


def _number(stream: IO[bytes], form: str) -> int:
    packed = struct.Struct(f"<{form}")
    value = packed.unpack(_exactly(stream, packed.size))[0]
    return int(value)


def _text(stream: IO[bytes]) -> str:
    return _exactly(stream, _number(stream, "H")).rstrip(b"\0").decode(errors="replace")


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise _CutError
    return found
