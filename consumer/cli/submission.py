"""One request through upload, publication and, if wanted, to its transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from consumer.cli.access import fatal
from consumer.cli.bars import Bar, Bars
from consumer.cli.entries import Entry
from consumer.cli.output import Failure, Submitted
from consumer.core.failures import JobError
from consumer.local_file import LocalFile
from contracts.client import (
    AccessError,
    ClientError,
    JobFailedError,
    JobHandle,
    MissingTopicError,
    StenoClient,
    UnreachableError,
    WaitTimeoutError,
)
from contracts.client.waiting import OnProgress
from contracts.errors import ErrorCode
from contracts.events import OutcomeEvent, ProgressEvent
from contracts.requests import Input, TranscriptionRequest
from contracts.transcript import Transcript

Result = TypeVar("Result")

WAIT_TIMED_OUT: Final = "WAIT_TIMED_OUT"
"""Stands beside the codes of jobs: the command gave up, the job did not."""

_AT_ONCE: Final = 4
_LAST_ANSWER_S: Final = 3.0
"""What a publication that is under way gets when the command is interrupted: then its fate is known."""
_MEGABYTE: Final = 1e6


class _GivenUpError(Exception):
    """This request has no result."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Submission:
    """Requests on their way through one client; any number may be taken at once."""

    def __init__(self, client: StenoClient, bars: Bars) -> None:
        """Borrows an open client."""
        self._client = client
        self._bars = bars
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self.open: dict[str, Entry] = {}
        """What the broker has and whose end is not known, by its key."""

    async def publish(self, entry: Entry) -> Submitted | Failure:
        """Ends when the broker has the request."""
        try:
            job = await self._published(entry)
            return Submitted(entry.name, job.job_id, job.input_uri)
        except _GivenUpError as error:
            return Failure(entry.name, error.code, error.message)

    async def complete(self, entry: Entry, *, timeout_s: float) -> Transcript | Failure:
        """Ends with the transcript, or when there will be none; the time counts from publication on."""
        with _showing(self._bars, entry.name) as show:
            try:
                job = await self._published(entry)
                _pass_on_cancellation()
                outcome = await self._outcome(job, show, timeout_s)
                del self.open[entry.key]
                return await _translated(self._client.fetch_transcript(outcome), ErrorCode.STORAGE_UNAVAILABLE)
            except _GivenUpError as error:
                self.open.pop(entry.key, None)
                return Failure(entry.name, error.code, error.message)

    async def _published(self, entry: Entry) -> JobHandle:
        async with self._gate:
            with self._bars.adding(entry.name) as bar:
                request = entry.request
                if entry.path is not None:
                    uri = await self._upload(entry.path, bar)
                    request = request.model_copy(update={"input": Input(uri=uri)})
                bar.say("publishing")
                job = await self._hand_over(request)
        self.open[entry.key] = entry
        return job

    async def _hand_over(self, request: TranscriptionRequest) -> JobHandle:
        """Publishes; a cancellation waits a moment for the answer, and does nothing once the broker has the request."""
        handing = asyncio.create_task(_translated(self._client.submit(request), ErrorCode.BROKER_UNAVAILABLE))
        try:
            return await asyncio.shield(handing)
        except asyncio.CancelledError:
            await asyncio.wait((handing,), timeout=_LAST_ANSWER_S)
            if not handing.done() or handing.cancelled() or handing.exception():
                handing.cancel()
                raise
            return handing.result()

    async def _outcome(self, job: JobHandle, show: OnProgress, timeout_s: float) -> OutcomeEvent:
        """How a job ended that has a result set."""
        try:
            waiting = self._client.wait(job, timeout_s=timeout_s, on_progress=show)
            return await _translated(waiting, ErrorCode.STORAGE_UNAVAILABLE)
        except WaitTimeoutError as exc:
            text = f"no outcome of job {job.job_id} within {timeout_s:g} s; it is still queued or running"
            raise _GivenUpError(WAIT_TIMED_OUT, f"{text}: is a worker up?") from exc
        except JobFailedError as exc:
            why = exc.outcome.error
            raise _GivenUpError(exc.code, why.message if why else str(exc)) from exc

    async def _upload(self, path: Path, bar: Bar) -> str:
        bar.say("uploading")
        try:
            await asyncio.to_thread(_check_readable, path)
        except JobError as exc:
            raise _GivenUpError(exc.code, exc.message) from exc
        call = self._client.upload(
            path, on_progress=lambda done, total: bar.advance(done / _MEGABYTE, total / _MEGABYTE, "MB")
        )
        return await _translated(call, ErrorCode.STORAGE_UNAVAILABLE)


@contextmanager
def _showing(bars: Bars, name: str) -> Iterator[OnProgress]:
    """A line of the display for a job, from its first sign of life on: before that there is nothing to see of it."""
    with ExitStack() as stack:
        bar: Bar | None = None

        def show(event: ProgressEvent) -> None:
            nonlocal bar
            bar = bar or stack.enter_context(bars.adding(name))
            if event.done_s is not None and event.audio_s is not None:
                bar.advance(event.done_s, event.audio_s)
            else:
                bar.say((event.stage or event.kind).replace("_", " "))

        yield show


def _pass_on_cancellation() -> None:
    """For who was cancelled while it handed over a request, which it did to the end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _translated(call: Awaitable[Result], code: ErrorCode) -> Result:
    try:
        return await call
    except (AccessError, MissingTopicError, UnreachableError) as exc:  # and so it will be for every other input
        raise fatal(exc) from exc
    except (JobFailedError, WaitTimeoutError):  # the caller's to tell
        raise
    except ClientError as exc:
        raise _GivenUpError(code, str(exc)) from exc


def _check_readable(path: Path) -> None:
    with LocalFile.open(path):
        pass
