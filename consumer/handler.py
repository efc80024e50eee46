"""One job to one result set and one outcome; knows no Kafka.

The order of effects: look for the manifest, then for `transcript.json`; fetch, decode, transcribe to the last segment;
`transcript.json` if none is there; the other outputs; the manifest. Interrupted anywhere and started again, here or
elsewhere, it ends with the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from consumer.core.admission import AdmissionRules, check_admission
from consumer.core.failures import TransientError
from consumer.core.jobs import Job
from consumer.core.locations import manifest_uri, transcript_uri
from consumer.core.resultset import JSON_TYPE, OutputFile, check_transcript, derive_result_set, read_manifest
from consumer.core.transcription import build_transcript, describe_job, describe_source
from consumer.ports import Decoder, Engine, EngineResult, FetchedObject, Recording, Store
from consumer.scratch import Scratch
from consumer.stopwatch import Stopwatch
from consumer.tracks import transcribe_tracks
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent, Stage
from contracts.transcript import Timing

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
class Handled:
    """How a job ended well."""

    outcome: OutcomeEvent
    is_repeat: bool
    """The result was there already: nothing was transcribed for it."""


@dataclass(frozen=True, slots=True)
class HandlerConfig:
    """What a handler needs to know of its worker."""

    worker: str
    rules: AdmissionRules


class Handler:
    """Takes jobs from media to result set. Any number of jobs may run at once."""

    def __init__(
        self,
        store: Store,
        decoder: Decoder,
        engine: Engine,
        scratch: Scratch,
        *,
        config: HandlerConfig,
        now: Callable[[], datetime],
    ) -> None:
        """Borrows its ports; whoever made them closes them."""
        self._store = store
        self._decoder = decoder
        self._engine = engine
        self._scratch = scratch
        self._config = config
        self._now = now

    async def run(self, job: Job, notify: Notify, stopwatch: Stopwatch, on_begun: OnBegun = lambda: None) -> Handled:
        """Ends with a complete result set, its manifest last.

        `on_begun` is called as soon as work would be lost that cost more than fetching and decoding.

        Raises:
            JobError: with the verdict on what happened; what was written so far is picked up by the next attempt.
        """
        check_admission(job, self._config.rules)
        with stopwatch.stage("lookup"):
            manifest, found = await asyncio.gather(
                self._store.read(manifest_uri(job.output_uri, job.job_id)),
                self._store.read(transcript_uri(job.output_uri, job.job_id)),
            )
        if manifest is not None:
            return Handled(read_manifest(manifest.body, job).outcome, is_repeat=True)
        if found is not None:
            check_transcript(found.body, job)
        body = found.body if found is not None else await self._transcribe(job, notify, stopwatch, on_begun)
        on_begun()
        with stopwatch.stage("write"):
            outcome = await self._complete(body)
        return Handled(outcome, is_repeat=found is not None)

    async def _transcribe(self, job: Job, notify: Notify, stopwatch: Stopwatch, on_begun: OnBegun) -> bytes:
        """Returns the bytes of `transcript.json` as they stand in the store: ours, or those of whoever was first."""
        notify(Kind.STARTED)
        fetched, recording = await self._fetch_and_decode(job, stopwatch)
        with recording:
            with stopwatch.stage("wait"):
                result = await transcribe_tracks(
                    self._engine, recording, job.request.options,
                    lambda done_s: notify(Kind.PROGRESS, done_s=done_s, audio_s=recording.duration_s),
                    lambda: notify(Kind.PROGRESS, audio_s=recording.duration_s, stage=Stage.LOADING_MODEL),
                    on_begun,
                )  # fmt: skip
            stopwatch.split("wait", "engine", result.engine_s)
            body = self._document(job, fetched, recording, result, stopwatch)
        with stopwatch.stage("write"):
            return await self._put_first(job, body)

    async def _fetch_and_decode(self, job: Job, stopwatch: Stopwatch) -> tuple[FetchedObject, Recording]:
        source = job.request.input
        await self._scratch.wait_for_room()  # jobs that were taken together have no file yet
        with self._scratch.file(source.size_bytes) as media:
            with stopwatch.stage("fetch"):
                fetched = await self._store.fetch(source, media, max_bytes=self._config.rules.max_bytes)
            with stopwatch.stage("decode"):
                return fetched, await self._decoder.decode(media, job.request.options.channels)

    def _document(
        self, job: Job, fetched: FetchedObject, recording: Recording, result: EngineResult, stopwatch: Stopwatch
    ) -> bytes:
        timing = Timing(
            created_at=self._now(),
            fetch_s=round(stopwatch.seconds("fetch"), 4),
            decode_s=round(stopwatch.seconds("decode"), 4),
            engine_s=result.engine_s,
        )
        transcript = build_transcript(
            describe_job(job, self._config.worker),
            describe_source(job.request.input.uri, fetched, recording.media),
            result,
            duration_s=recording.duration_s,
            timing=timing,
        )
        return transcript.model_dump_json().encode()

    async def _put_first(self, job: Job, body: bytes) -> bytes:
        uri = transcript_uri(job.output_uri, job.job_id)
        if await self._store.create(uri, body, JSON_TYPE):
            return body
        winner = await self._store.read(uri)
        if winner is None:
            raise TransientError(ErrorCode.INTERNAL, f"{uri} was there when written and gone when read")
        check_transcript(winner.body, job)
        return winner.body

    async def _complete(self, transcript_body: bytes) -> OutcomeEvent:
        result_set = derive_result_set(transcript_body)
        await _all(self._write(file) for file in result_set.outputs)
        # A manifest that is there already says the same: it is a function of the same transcript.
        await self._store.create(result_set.manifest.uri, result_set.manifest.body, result_set.manifest.content_type)
        return result_set.outcome

    async def _write(self, file: OutputFile) -> None:
        await self._store.write(file.uri, file.body, file.content_type)


async def _all(calls: Iterable[Coroutine[None, None, None]]) -> None:
    """Runs calls side by side to the end of the last one; then raises the first error."""
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if result is not None:
            raise result
