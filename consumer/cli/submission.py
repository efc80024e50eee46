"""One input through upload, publication and, if wanted, to its transcript."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from pathlib import Path
from typing import Final, TypeVar

from consumer.cli.access import fatal
from consumer.cli.bars import Bar, Bars
from consumer.cli.following import Follower, OnProgress
from consumer.cli.output import Failure, Submitted
from contracts.client import AccessError, ClientError, StenoClient
from contracts.errors import ErrorCode
from contracts.events import OutcomeEvent, ProgressEvent
from contracts.requests import Input, TranscriptionRequest
from contracts.transcript import Transcript

Result = TypeVar("Result")

SCHEME: Final = "s3://"
WAIT_TIMED_OUT: Final = "WAIT_TIMED_OUT"
"""Stands beside the codes of jobs: the command gave up, the job did not."""

_UPLOADS_AT_ONCE: Final = 4


class _GivenUpError(Exception):
    """This input has no result."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Submission:
    """Inputs on their way through one client; any number may be taken at once."""

    def __init__(self, client: StenoClient, template: TranscriptionRequest, bars: Bars) -> None:
        """Borrows an open client."""
        self._client = client
        self._template = template
        self._bars = bars
        self._gate = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    async def publish(self, source: str) -> Submitted | Failure:
        """Ends when the broker has the request."""
        with self._bars.adding(source) as bar:
            try:
                return await self._publish(source, self._new_job_id(), bar)
            except _GivenUpError as error:
                return Failure(source, error.code, error.message)

    async def complete(self, source: str, follower: Follower, *, timeout_s: float) -> Transcript | Failure:
        """Ends with the transcript, or when there will be none; the time counts from publication on."""
        with self._bars.adding(source) as bar:
            try:
                job_id = self._new_job_id()
                ending = follower.follow(job_id, _showing(bar))
                await self._publish(source, job_id, bar)
                manifest = await _manifest(ending, job_id, timeout_s)
                return await _translated(self._client.fetch_transcript(manifest), ErrorCode.STORAGE_UNAVAILABLE)
            except _GivenUpError as error:
                return Failure(source, error.code, error.message)

    async def _publish(self, source: str, job_id: str, bar: Bar) -> Submitted:
        async with self._gate:
            bar.say("uploading")
            uri = source if source.startswith(SCHEME) else await self._upload(Path(source))
            request = self._template.model_copy(update={"input": Input(uri=uri), "job_id": job_id})
            await _translated(self._client.submit(request), ErrorCode.BROKER_UNAVAILABLE)
            bar.say("queued")
        return Submitted(source, job_id, uri)

    async def _upload(self, path: Path) -> str:
        if not await asyncio.to_thread(path.exists):
            raise _GivenUpError(ErrorCode.INPUT_NOT_FOUND, f"{path} does not exist")
        if not await asyncio.to_thread(path.is_file):
            raise _GivenUpError(ErrorCode.INPUT_FORBIDDEN, f"{path} is no file")
        return await _translated(self._client.upload(path), ErrorCode.STORAGE_UNAVAILABLE)

    def _new_job_id(self) -> str:
        return self._template.job_id or str(uuid.uuid4())


async def _manifest(ending: asyncio.Future[OutcomeEvent], job_id: str, timeout_s: float) -> str:
    """Where the result set of a job that is under way will be."""
    try:
        async with asyncio.timeout(timeout_s):
            outcome = await ending
    except TimeoutError as exc:
        text = f"no outcome of job {job_id} within {timeout_s:g} s; it is still queued or running: is a worker up?"
        raise _GivenUpError(WAIT_TIMED_OUT, text) from exc
    if outcome.error is not None:
        raise _GivenUpError(outcome.error.code, outcome.error.message)
    return outcome.manifest or ""


async def _translated(call: Awaitable[Result], code: ErrorCode) -> Result:
    try:
        return await call
    except AccessError as exc:  # and so it will be for every other input
        raise fatal(exc) from exc
    except ClientError as exc:
        raise _GivenUpError(code, str(exc)) from exc


def _showing(bar: Bar) -> OnProgress:
    def show(event: ProgressEvent) -> None:
        if event.done_s is not None and event.audio_s is not None:
            bar.advance(event.done_s, event.audio_s)
        else:
            bar.say(event.kind)

    return show
