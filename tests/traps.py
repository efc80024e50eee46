"""What a file can make of its decoder if it exploits or confuses FFmpeg, played by functions."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final, NoReturn

FORBIDDEN: Final = "/etc/passwd"
_PIECE_BYTES: Final = 1024**2


class Trap(StrEnum):
    """A file that holds such a word springs that trap, in a fork server that has traps."""

    CRASHES = "crashes"
    HANGS = "hangs"
    SPINS = "spins"
    HOARDS = "hoards"
    LEAVES = "leaves"
    REACHES_OUT = "reaches out"


def spring(trap: Trap) -> None:
    """Does not come back, unless with an exception."""
    _WAYS[trap]()


def _crash() -> None:
    """Reads what is not there."""
    ctypes.string_at(0)


def _hang() -> None:
    """Waits for ever, at no cost."""
    signal.pause()


def _spin() -> None:
    """Computes for ever."""
    while True:
        pass


def _hoard() -> None:
    """Takes all memory that it can get."""
    pieces = []
    while True:
        pieces.append(bytearray(_PIECE_BYTES))


def _leave() -> NoReturn:
    """Ends without a word."""
    os._exit(0)


def _reach_out() -> None:
    """Opens a file that everybody may read, as a decoder would that was taken over."""
    Path(FORBIDDEN).read_bytes()


_WAYS: Final[dict[Trap, Callable[[], None]]] = {
    Trap.CRASHES: _crash,
    Trap.HANGS: _hang,
    Trap.SPINS: _spin,
    Trap.HOARDS: _hoard,
    Trap.LEAVES: _leave,
    Trap.REACHES_OUT: _reach_out,
}
