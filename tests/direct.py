"""A bare faster-whisper call, and answers that can be compared with it.

Imports nothing of the engine: in its process faster-whisper works with functions of ours. `process` is one in which
that has not happened, whatever the tests have loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

if TYPE_CHECKING:
    from consumer.ports import EngineResult


@dataclass(frozen=True, slots=True)
class Bare:
    """A model on the CPU, for calls without us."""

    folder: Path
    compute_type: str
    cpu_threads: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard; segments with their words and every figure."""

    segments: list[dict[str, Any]]
    language: tuple[str, float]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(segment["text"] for segment in self.segments)


def ask(bare: Bare, path: Path, mode: str, call: Mapping[str, Any]) -> Answer:
    """faster-whisper's answer for a file; blocks."""
    target = BatchedInferencePipeline(_model(bare)) if mode == "batched" else _model(bare)
    segments, info = target.transcribe(str(path), **call)
    return Answer([asdict(segment) for segment in segments], (info.language, info.language_probability))


def of_ours(result: EngineResult, *, has_words: bool) -> Answer:
    """Our answer as faster-whisper would put it: without words there is None."""
    segments = [segment.model_dump(exclude={"channel"}) for segment in result.segments]
    for segment in segments:
        segment["words"] = segment["words"] if has_words else None
    return Answer(segments, (result.language, result.language_probability))


def modules() -> set[str]:
    """What this process has imported."""
    return set(sys.modules)


@contextmanager
def process() -> Iterator[Executor]:
    """A fresh process for the functions above; it loads a model once."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        yield executor


@cache
def _model(bare: Bare) -> WhisperModel:
    return WhisperModel(
        str(bare.folder),
        device="cpu",
        compute_type=bare.compute_type,
        cpu_threads=bare.cpu_threads,
        local_files_only=True,
    )
