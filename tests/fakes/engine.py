"""An engine and a decoder in this process, for tests of what stands above their ports."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from typing import IO

from consumer.core.failures import JobError, OutageError
from consumer.ports import EngineResult, MediaInfo, Recording, Samples
from contracts.errors import ErrorCode
from contracts.requests import Channels, Options
from tests.make import make_engine_result, make_segment


class FakeDecoder:
    """Takes every byte of the media for one sample, every line for one channel, and fails when told to."""

    def __init__(self) -> None:
        self.error: JobError | OSError | None = None

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:
        if self.error:
            raise self.error
        media.seek(0)
        content = media.read()
        tracks = content.split(b"\n") if channels is Channels.SEPARATE else [content]
        return Recording(tuple(_samples(track) for track in tracks))


def _samples(content: bytes) -> Samples:
    samples = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes the samples
    samples.write(content)
    samples.flush()
    return Samples(samples, len(content), MediaInfo("fake", "fake", 16_000, 1))


class FakeEngine:
    """Says what bytes it heard; each of `errors` ends one job.

    `turn` holds it back before it begins, `gate` once `entered`.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.turn = asyncio.Event()
        self.turn.set()
        self.heard: list[bytes] = []
        self.running = 0
        self.missing: set[str | None] = set()
        """Models that cannot be loaded; None is the worker's own."""
        self.loads_failed = 0

    @property
    def is_ready(self) -> bool:
        return True

    async def transcribe(
        self,
        samples: Samples,
        options: Options,
        on_progress: Callable[[float], None],
        on_loading: Callable[[], None] = lambda: None,
        on_begun: Callable[[], None] = lambda: None,
    ) -> EngineResult:
        if options.model in self.missing:
            self.loads_failed += 1
            raise OutageError(ErrorCode.MODEL_LOAD_FAILED, "no such weights")
        if options.model is not None:
            on_loading()
        await self.turn.wait()
        on_begun()
        self.running += 1
        self.entered.set()
        try:
            await self.gate.wait()
            if self.errors:
                raise self.errors.pop(0)
            samples.file.seek(0)
            self.heard.append(samples.file.read())
            on_progress(samples.duration_s)
            text = f" {self.heard[-1].decode()} #{len(self.heard)}"
            return make_engine_result(make_segment(text), options={"task": str(options.task)})
        finally:
            self.running -= 1
