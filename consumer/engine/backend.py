"""The seam in the engine process: what faster-whisper and the fake both offer to whoever takes the orders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import JsonValue

from contracts.requests import Mode
from contracts.transcript import Segment

SAMPLE_BYTES: Final = 2
SAMPLE_RATE_HZ: Final = 16_000


class UnfitError(Exception):
    """The device or the model cannot be had as asked; the message says why and what to do."""


class NoDeviceError(UnfitError):
    """The device is not there, or lacks what jobs need of it."""


@dataclass(frozen=True, slots=True)
class Track:
    """int16 mono samples at 16 kHz, native byte order, in a file that is never held in memory as a whole."""

    descriptor: int
    count: int

    def read(self, first: int, last: int) -> bytes:
        """The samples [first, last) as bytes.

        Raises:
            EOFError: the file is shorter than was said.
        """
        size, offset = (last - first) * SAMPLE_BYTES, first * SAMPLE_BYTES
        data = os.pread(self.descriptor, size, offset)
        while len(data) < size:
            more = os.pread(self.descriptor, size - len(data), offset + len(data))
            if not more:
                raise EOFError(f"{self.count} samples were announced and fewer are there")
            data += more
        return data


@dataclass(frozen=True, slots=True)
class Heard:
    """One transcription under way: the engine works while the segments are iterated."""

    segments: Iterator[Segment]
    language: str
    language_probability: float


class Model(Protocol):
    """Loaded weights. Blocks; as many threads as slots may call at once."""

    @property
    def compute_type(self) -> str:
        """What is computed with in the end."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that it knows."""
        ...

    def transcribe(self, track: Track, mode: Mode, arguments: dict[str, JsonValue]) -> Heard:
        """Starts a transcription. Raises what the libraries raise, here or while iterating."""
        ...


class Device(Protocol):
    """Where models are loaded."""

    @property
    def name(self) -> str:
        """`cpu` or `cuda`."""
        ...

    @property
    def compute_type(self) -> str:
        """What models are asked to compute with."""
        ...

    @property
    def notice(self) -> str | None:
        """What `auto` had to do without, and why."""
        ...

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the libraries that take part."""
        ...

    def load(self, path: str, slots: int, cpu_threads: int) -> Model:
        """Loads weights.

        Raises:
            UnfitError: they are broken, or too large for the device.
        """
        ...
