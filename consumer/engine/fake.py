"""An engine without a model, for tests and for trying a deployment. Imported in the engine process only.

Its text follows from the samples: their hash and length, a segment for each thirty seconds. Trouble on request: words
`fake:<switch>` or `fake:<switch>=<number>` in a job's `hotwords` or `initial_prompt`, or the same without `fake:` in
`STENO_ENGINE__FAKE_SWITCHES` for jobs that say nothing themselves.

| switch | the job |
|---|---|
| `slow=S` | takes S seconds for each segment, and may be cancelled meanwhile |
| `crash` | ends the process by SIGSEGV |
| `abort` | ends it by SIGABRT |
| `hang` | never ends and cannot be cancelled |
| `freeze` | likewise, and stops all jobs beside it, as native code that never lets go of Python |
| `oom` | fails as a GPU without memory does |
| `lost` | fails as a GPU does whose context is lost |
| `leak=B` | makes the process hold B more bytes, for good |
| `error` | fails with a foreign error |
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from pydantic import JsonValue

from consumer.core.switches import read_switches
from consumer.engine.backend import SAMPLE_RATE_HZ, Heard, Track, UnfitError
from contracts.languages import LANGUAGES
from contracts.requests import Mode
from contracts.transcript import Segment, Word

_SEGMENT_S: Final = 30
_leaked: Final[list[bytearray]] = []


@dataclass(frozen=True, slots=True)
class FakeDevice:
    """Needs nothing. Implements `backend.Device`."""

    switches: str = ""
    name: str = "cpu"
    compute_type: str = "fake"
    notice: str | None = None
    versions: dict[str, str] = field(default_factory=lambda: {"steno": version("steno")})

    def __post_init__(self) -> None:
        """Raises UnfitError: no such switch."""
        try:
            read_switches(self.switches)
        except ValueError as exc:
            raise UnfitError(f"STENO_ENGINE__FAKE_SWITCHES: {exc}") from exc

    def load(self, path: str, slots: int, cpu_threads: int) -> FakeModel:  # noqa: ARG002 - there is nothing to load
        """A model that knows every language; a path of switches makes their trouble; see `backend.Device`."""
        if path.startswith("fake:"):
            _make_trouble(read_switches(path))
        return FakeModel(read_switches(self.switches))


@dataclass(frozen=True, slots=True)
class FakeModel:
    """Implements `backend.Model`."""

    switches: Mapping[str, float] = field(default_factory=dict)
    compute_type: str = "fake"
    languages: tuple[str, ...] = tuple(LANGUAGES)

    def transcribe(self, track: Track, mode: Mode, arguments: dict[str, JsonValue]) -> Heard:  # noqa: ARG002
        """Reads the samples, makes the trouble asked for and answers; see `backend.Model`."""
        switches = _asked_for(arguments) or self.switches
        language = arguments.get("language") or "en"
        return Heard(_segments(track, switches, with_words=bool(arguments["word_timestamps"])), str(language), 1.0)


def _asked_for(arguments: Mapping[str, JsonValue]) -> dict[str, float]:
    words = f"{arguments.get('hotwords') or ''} {arguments.get('initial_prompt') or ''}".split()
    return read_switches(" ".join(word for word in words if word.startswith("fake:")))


def _segments(track: Track, switches: Mapping[str, float], *, with_words: bool) -> Iterator[Segment]:
    digest = hashlib.sha256()
    stride = _SEGMENT_S * SAMPLE_RATE_HZ
    for number, first in enumerate(range(0, track.count, stride), start=1):
        last = min(first + stride, track.count)
        digest.update(track.read(first, last))
        _make_trouble(switches)
        start_s, end_s = first / SAMPLE_RATE_HZ, last / SAMPLE_RATE_HZ
        text = f" {digest.hexdigest()[:12]} {end_s - start_s:.2f}"
        yield Segment(
            id=number,
            seek=first * 100 // SAMPLE_RATE_HZ,
            start=start_s,
            end=end_s,
            text=text,
            tokens=[],
            temperature=0.0,
            avg_logprob=-0.1,
            compression_ratio=1.0,
            no_speech_prob=0.0,
            words=[Word(word=text, start=start_s, end=end_s, probability=1.0)] if with_words else [],
        )


def _make_trouble(switches: Mapping[str, float]) -> None:
    if "slow" in switches:
        threading.Event().wait(switches["slow"])
    if "leak" in switches:
        _leaked.append(bytearray(os.urandom(4096) * int(switches["leak"] // 4096 + 1)))
    if "hang" in switches:
        threading.Event().wait()
    while "freeze" in switches:
        ctypes.PyDLL(None).pause()  # unlike `ctypes.CDLL` it keeps the interpreter's lock
    for name, number in (("crash", signal.SIGSEGV), ("abort", signal.SIGABRT)):
        if name in switches:
            os.kill(os.getpid(), number)
            threading.Event().wait()  # the signal may reach another thread first
    if "oom" in switches:
        raise RuntimeError("fake out of memory")
    if "lost" in switches:
        raise RuntimeError("CUDA failed with error an illegal memory access was encountered")
    if "error" in switches:
        raise LookupError("fake error")
