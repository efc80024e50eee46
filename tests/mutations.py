"""Sound files with something wrong, each a function of its number."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Final

import numpy as np

from tests import media

_EXTREMES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
_HEADER_BYTES: Final = 512
"""Where most of what a demuxer believes stands."""


@functools.cache
def originals() -> tuple[bytes, ...]:
    """A sound file of every usual format."""
    return tuple(media.make_audio(container, codec, seconds=0.5) for container, codec in media.FORMATS)


def make_mutation(number: int) -> bytes:
    """One of the originals with one to four changes; the same number gives the same bytes."""
    chance = np.random.default_rng(number)
    content = bytearray(originals()[number % len(originals())])
    for _ in range(chance.integers(1, 5)):
        _CHANGES[chance.integers(len(_CHANGES))](content, chance)
    return bytes(content)


def _place(content: bytearray, chance: np.random.Generator) -> int:
    """Every other time within the header."""
    most = max(len(content), 1)
    return int(chance.integers(min(most, _HEADER_BYTES) if chance.integers(2) else most))


def _flip_bits(content: bytearray, chance: np.random.Generator) -> None:
    for _ in range(chance.integers(1, 65) if content else 0):
        content[_place(content, chance)] ^= 1 << int(chance.integers(8))


def _set_extreme(content: bytearray, chance: np.random.Generator) -> None:
    form, most = ((">I", 2**32), ("<I", 2**32), (">H", 2**16), ("<H", 2**16))[chance.integers(4)]
    place = _place(content, chance)
    if place + struct.calcsize(form) <= len(content):
        struct.pack_into(form, content, place, _EXTREMES[chance.integers(len(_EXTREMES))] % most)


def _overwrite(content: bytearray, chance: np.random.Generator) -> None:
    place, size = _place(content, chance), int(chance.integers(1, 2048))
    content[place : place + size] = chance.bytes(len(content[place : place + size]))


def _remove(content: bytearray, chance: np.random.Generator) -> None:
    place = _place(content, chance)
    del content[place : place + int(chance.integers(1, 2048))]


def _repeat(content: bytearray, chance: np.random.Generator) -> None:
    place, size = _place(content, chance), int(chance.integers(1, 2048))
    content[place:place] = content[place : place + size] * int(chance.integers(1, 9))


def _cut(content: bytearray, chance: np.random.Generator) -> None:
    del content[_place(content, chance) :]


def _splice(content: bytearray, chance: np.random.Generator) -> None:
    other = originals()[chance.integers(len(originals()))]
    content[_place(content, chance) :] = other[int(chance.integers(len(other))) :]


_CHANGES: Final[tuple[Callable[[bytearray, np.random.Generator], None], ...]] = (
    _flip_bits, _set_extreme, _overwrite, _remove, _repeat, _cut, _splice,
)  # fmt: skip
