"""Our path and a bare faster-whisper call, ready side by side: what benches compare."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel

from consumer.app import open_transcriber
from consumer.local import LocalTranscriber
from consumer.settings import EngineSettings, Settings
from contracts.requests import Mode, Options
from tests.engines import COMPUTE_TYPE, located


@dataclass(frozen=True, slots=True)
class Pair:
    """Both, with one model on the CPU."""

    ours: LocalTranscriber
    """Decoder and engine process, as a worker has them."""
    direct: Callable[[Path, Options], str]
    """`WhisperModel(...).transcribe(path)` in this process, to the last segment; the text."""

    async def text(self, path: Path, options: Options) -> str:
        """Our text."""
        return (await self.ours.transcribe(path, options, lambda _done, _total: None)).text


@asynccontextmanager
async def paired(model: str, *, slots: int = 1, cpu_threads: int = 1) -> AsyncIterator[Pair]:
    """Loads both with the same weights, compute type, jobs at once and threads."""
    folder = located(model).path
    engine = EngineSettings(
        model=str(folder), device="cpu", compute_type=COMPUTE_TYPE, slots=slots, cpu_threads=cpu_threads
    )
    bare = WhisperModel(
        str(folder), device="cpu", compute_type=COMPUTE_TYPE, cpu_threads=cpu_threads, num_workers=slots
    )
    async with open_transcriber(Settings(engine=engine), lambda _done, _total: None) as ours:
        yield Pair(ours, lambda path, options: _direct(bare, path, options))


def _direct(model: WhisperModel, path: Path, options: Options) -> str:
    # A pipeline keeps state, so that jobs side by side need one each.
    bare = BatchedInferencePipeline(model) if options.mode is Mode.BATCHED else model
    segments, _ = bare.transcribe(
        str(path), language=options.language, temperature=list(options.temperature), vad_filter=options.uses_vad
    )
    return "".join(segment.text for segment in segments).strip()
