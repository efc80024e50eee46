"""From a job's media to its `transcript.json`: fetched, decoded and transcribed, or shared with who did that before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from consumer.core.admission import AdmissionRules
from consumer.core.jobs import Job
from consumer.core.sharing import share_transcript
from consumer.core.transcription import build_transcript, describe_job, describe_source
from consumer.ports import Decoder, Engine, EngineResult, FetchedObject, Recording, Store
from consumer.scratch import Scratch
from consumer.sharing import Busy, Mine, Ready
from consumer.stopwatch import Stopwatch
from consumer.tracks import transcribe_tracks
from contracts.events import Kind, Stage
from contracts.transcript import Timing

log = structlog.get_logger(__name__)

OnBegun = Callable[[], None]
"""Hears, once or more, that the job has begun."""


class Notify(Protocol):
    """Hears of progress."""

    def __call__(
        self,
        kind: Kind,
        *,
        done_s: float | None = None,
        audio_s: float | None = None,
        stage: Stage | None = None,
    ) -> None:
        """What happened, seconds of audio done and in all, and what is done instead of transcribing."""
        ...


@dataclass(frozen=True, slots=True)
class HandlerConfig:
    """What a handler needs to know of its worker."""

    worker: str
    rules: AdmissionRules


@dataclass(frozen=True, slots=True)
class Means:
    """What all jobs of a worker are done with."""

    store: Store
    decoder: Decoder
    engine: Engine
    scratch: Scratch
    config: HandlerConfig
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Share:
    """How a job finds a transcription of the same content that another one made or makes."""

    claim: Callable[[str], Awaitable[Mine | Ready | Busy]]
    """By the content's sha256, in hexadecimal digits."""
    wait: Callable[[float], Awaitable[None]]
    """Lets so many seconds pass."""


async def _nobody(_sha256: str) -> Mine:
    return Mine()


ALONE = Share(_nobody, asyncio.sleep)
"""Every job is transcribed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job, and who is to hear of it."""

    job: Job
    notify: Notify
    stopwatch: Stopwatch
    on_begun: OnBegun = lambda: None
    """Called as soon as work would be lost that cost more than fetching and decoding."""
    share: Share = ALONE
    heed: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Entered while the job is transcribed: it may end the block with an error of its own."""


class Transcription:
    """Makes one document. Use it once."""

    def __init__(self, means: Means, run: Run) -> None:
        """Borrows both."""
        self._means = means
        self._run = run

    async def document(self) -> bytes:
        """`transcript.json` as it is to be written where none is there yet."""
        while True:
            fetched, found = await self._obtain()
            if isinstance(found, Recording):
                return await self._transcribed(fetched, found)
            claimed = await self._outwait(found, fetched)
            if isinstance(claimed, Ready):
                return self._shared(fetched, claimed)

    async def _obtain(self) -> tuple[FetchedObject, Recording | Ready | Busy]:
        """Fetches, then decodes unless another job does or did; the file is gone at the end."""
        means, job, stopwatch = self._means, self._run.job, self._run.stopwatch
        source = job.request.input
        await means.scratch.wait_for_room()  # jobs that were taken together have no file yet
        with means.scratch.file(source.size_bytes) as media:
            with stopwatch.stage("fetch"):
                fetched = await means.store.fetch(source, media, max_bytes=means.config.rules.max_bytes)
            with stopwatch.stage("decode"):
                decoding = asyncio.create_task(means.decoder.decode(media, job.request.options.channels))
                claiming = asyncio.ensure_future(self._run.share.claim(fetched.sha256))
                return fetched, await _unless_shared(decoding, claiming)

    async def _outwait(self, claimed: Mine | Ready | Busy, fetched: FetchedObject) -> Mine | Ready:
        """Waits for who transcribes the same; when nothing comes of it, it is for this job to do."""
        if isinstance(claimed, Busy):
            log.info("job_waits_for_another", other=claimed.job_id)
        with self._run.stopwatch.stage("share"):
            while isinstance(claimed, Busy):
                await self._run.share.wait(claimed.wait_s)
                claimed = await self._run.share.claim(fetched.sha256)
        return claimed

    def _shared(self, fetched: FetchedObject, first: Ready) -> bytes:
        transcript = share_transcript(
            first.transcript,
            self._run.job,
            fetched,
            worker=self._means.config.worker,
            timing=self._timing(engine_s=0.0),
        )
        return transcript.model_dump_json().encode()

    async def _transcribed(self, fetched: FetchedObject, recording: Recording) -> bytes:
        run = self._run
        with recording:
            with run.stopwatch.stage("wait"):
                result = await transcribe_tracks(
                    self._means.engine, recording, run.job.request.options,
                    lambda done_s: run.notify(Kind.PROGRESS, done_s=done_s, audio_s=recording.duration_s),
                    lambda: run.notify(Kind.PROGRESS, audio_s=recording.duration_s, stage=Stage.LOADING_MODEL),
                    run.on_begun,
                )  # fmt: skip
            run.stopwatch.split("wait", "engine", result.engine_s)
            return self._written(fetched, recording, result)

    def _written(self, fetched: FetchedObject, recording: Recording, result: EngineResult) -> bytes:
        job = self._run.job
        transcript = build_transcript(
            describe_job(job, self._means.config.worker),
            describe_source(job.request.input.uri, fetched, recording.media),
            result,
            duration_s=recording.duration_s,
            timing=self._timing(result.engine_s),
        )
        return transcript.model_dump_json().encode()

    def _timing(self, engine_s: float) -> Timing:
        stopwatch = self._run.stopwatch
        return Timing(
            created_at=self._means.now(),
            fetch_s=round(stopwatch.seconds("fetch"), 4),
            decode_s=round(stopwatch.seconds("decode"), 4),
            engine_s=engine_s,
        )


async def _unless_shared(
    decoding: asyncio.Task[Recording], claiming: asyncio.Future[Mine | Ready | Busy]
) -> Recording | Ready | Busy:
    """What was decoded, unless the claim tells of another job: then decoding ends. Both have ended on return."""
    is_wanted = False
    try:
        await asyncio.wait((decoding, claiming), return_when=asyncio.FIRST_COMPLETED)
        if decoding.done():
            decoding.result()  # media that is none is refused, whoever else may be at it
        claimed = await claiming
        if not isinstance(claimed, Mine):
            return claimed
        recording = await decoding
        is_wanted = True
        return recording
    finally:
        await _ended(decoding, claiming)
        if not is_wanted and not decoding.cancelled() and not decoding.exception():
            with decoding.result():
                pass


async def _ended(*works: asyncio.Future[Any]) -> None:
    """Cancels what is still under way; of its failures nobody else will hear."""
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)
