"""One job to one result set and one outcome; knows no Kafka.

The order of effects: look for the manifest, then for `transcript.json`; fetch, decode, transcribe to the last segment
or share what another job transcribed; `transcript.json` if none is there; the other outputs; the manifest. Interrupted
anywhere and started again, here or elsewhere, it ends with the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime

from consumer.core.admission import check_admission
from consumer.core.failures import TransientError
from consumer.core.jobs import Job
from consumer.core.locations import manifest_uri, transcript_uri
from consumer.core.resultset import JSON_TYPE, OutputFile, check_transcript, derive_result_set, read_manifest
from consumer.ports import Decoder, Engine, Store, StoredObject
from consumer.scratch import Scratch
from consumer.together import both
from consumer.transcription import HandlerConfig, Means, Run, Transcription
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent

__all__ = ["Handled", "Handler", "HandlerConfig", "Run", "Standing"]


@dataclass(frozen=True, slots=True)
class Handled:
    """How a job ended well."""

    outcome: OutcomeEvent
    is_repeat: bool
    """The result was there already: nothing was transcribed for it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a job's place already."""

    manifest: StoredObject | None
    transcript: StoredObject | None

    @property
    def is_empty(self) -> bool:
        """Whether the job has still to be transcribed."""
        return self.manifest is None and self.transcript is None


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
        self._means = Means(store, decoder, engine, scratch, config, now)

    def check(self, job: Job) -> None:
        """Lets pass what this worker may do; nothing is asked of anybody.

        Raises:
            PermanentError: the request points elsewhere, or asks for too much.
        """
        check_admission(job, self._means.config.rules)

    async def look(self, job: Job) -> Standing:
        """What is there already of a job that was checked; raises as the store does."""
        manifest, transcript = await both(
            self._store.read(manifest_uri(job.output_uri, job.job_id)),
            self._store.read(transcript_uri(job.output_uri, job.job_id)),
        )
        return Standing(manifest, transcript)

    async def run(self, run: Run, standing: Standing) -> Handled:
        """Ends with a complete result set, its manifest last.

        Args:
            run: one attempt at a job that was checked.
            standing: what was there a moment ago.

        Raises:
            JobError: with the verdict on what happened; what was written so far is picked up by the next attempt.
        """
        job, found = run.job, standing.transcript
        if standing.manifest is not None:
            return Handled(read_manifest(standing.manifest.body, job).outcome, is_repeat=True)
        if found is not None:
            check_transcript(found.body, job)
        body = found.body if found is not None else await self._transcribe(run)
        run.on_begun()
        with run.stopwatch.stage("write"):
            outcome = await self._complete(body)
        return Handled(outcome, is_repeat=found is not None)

    async def _transcribe(self, run: Run) -> bytes:
        """Returns the bytes of `transcript.json` as they stand in the store: ours, or those of whoever was first."""
        run.notify(Kind.STARTED)
        async with run.heed():
            body = await Transcription(self._means, run).document()
        # From here on the job comes to its end, whoever wants it no more.
        with run.stopwatch.stage("write"):
            return await self._put_first(run.job, body)

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
