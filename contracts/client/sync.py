"""The client without `await`: for scripts, threads, and notebooks, whose own event loop is busy."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Generator, Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, Unpack

from contracts.client.config import ClientConfig
from contracts.client.errors import ClientError
from contracts.client.jobs import JobHandle, RequestFields
from contracts.client.listing import OnListed
from contracts.client.results import Finished
from contracts.client.sources import Source
from contracts.client.steno import StenoClient
from contracts.client.threads import LoopThread
from contracts.client.uploads import OnBytes
from contracts.client.waiting import OnProgress
from contracts.events import Event, OutcomeEvent
from contracts.requests import TranscriptionRequest
from contracts.state import JobState, JobStatus
from contracts.transcript import Transcript

_ONE_HOUR_S: Final = 3600.0


class SyncStenoClient:
    """Each call is `StenoClient`'s of the same name and raises what that raises.

    Opens at first use; close it, or use it as a context manager. Any number of threads may share one.
    Callbacks are called on a thread of the client's own.
    """

    def __init__(self, config: ClientConfig | None = None) -> None:
        """Connects to nothing yet, starts nothing yet."""
        self._config = config
        self._opening = threading.Lock()
        self._loop: LoopThread | None = None
        self._client: StenoClient | None = None
        self._is_closed = False

    def __enter__(self) -> Self:
        """Opens the client; `ClientError` where the `AWS_*` settings do not make one."""
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Closes all connections; bounded in time. Calls in other threads end with `ClientError`. May be repeated."""
        with self._opening:
            self._is_closed = True
            loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is None or client is None:
            return
        atexit.unregister(self.close)
        try:
            loop.run(client.__aexit__(None, None, None))
        finally:
            loop.close()

    def upload(self, path: Path, *, prefix: str | None = None, on_progress: OnBytes | None = None) -> str:
        """Puts a file into the store; returns its URI."""
        loop, client = self._open()
        return loop.run(client.upload(path, prefix=prefix, on_progress=on_progress))

    def submit(self, request: TranscriptionRequest, *, traceparent: str | None = None) -> JobHandle:
        """Publishes a request."""
        loop, client = self._open()
        return loop.run(client.submit(request, traceparent=traceparent))

    def submit_file(
        self, source: Source, *, on_progress: OnBytes | None = None, **fields: Unpack[RequestFields]
    ) -> JobHandle:
        """Uploads a file, or takes an object where it is, and submits a request for it."""
        loop, client = self._open()
        return loop.run(client.submit_file(source, on_progress=on_progress, **fields))

    def submit_many(self, sources: Source | Iterable[Source], **fields: Unpack[RequestFields]) -> list[JobHandle]:
        """Submits every file and object that the sources name."""
        loop, client = self._open()
        return loop.run(client.submit_many(sources, **fields))

    def wait(
        self, job: JobHandle | str, *, tenant: str | None = None, timeout_s: float = _ONE_HOUR_S,
        on_progress: OnProgress | None = None,
    ) -> OutcomeEvent:  # fmt: skip
        """Ends when the job has completed."""
        loop, client = self._open()
        return loop.run(client.wait(job, tenant=tenant, timeout_s=timeout_s, on_progress=on_progress))

    def find_outcome(self, job: JobHandle | str, *, tenant: str | None = None) -> OutcomeEvent | None:
        """The outcome of a job that has completed; None where there is none yet."""
        loop, client = self._open()
        return loop.run(client.find_outcome(job, tenant=tenant))

    def as_completed(
        self, jobs: Iterable[JobHandle | str], *, timeout_s: float = _ONE_HOUR_S
    ) -> Generator[OutcomeEvent, None, None]:
        """Outcomes of jobs in the order in which they end, failures among them."""
        loop, client = self._open()
        return loop.iterate(client.as_completed(jobs, timeout_s=timeout_s))

    def outcomes(self, *, since: datetime | None = None) -> Generator[Event[OutcomeEvent], None, None]:
        """Every job's outcome as it is told; never ends."""
        loop, client = self._open()
        return loop.iterate(client.outcomes(since=since))

    def status(self, job_id: str, *, tenant: str | None = None) -> JobStatus | None:
        """How a job is; None where the store has nothing of it: it is queued, or was never sent."""
        loop, client = self._open()
        return loop.run(client.status(job_id, tenant=tenant))

    def jobs(
        self,
        *,
        tenant: str | None = None,
        state: JobState | None = None,
        since: datetime | None = None,
        on_listed: OnListed | None = None,
    ) -> Generator[JobStatus, None, None]:
        """Jobs of which the store has something, newest first."""
        loop, client = self._open()
        return loop.iterate(client.jobs(tenant=tenant, state=state, since=since, on_listed=on_listed))

    def cancel(
        self, job_id: str, *, tenant: str | None = None, by: str | None = None, reason: str | None = None
    ) -> JobStatus | None:
        """Asks the workers not to run a job, or not to go on; how it was before."""
        loop, client = self._open()
        return loop.run(client.cancel(job_id, tenant=tenant, by=by, reason=reason))

    def fetch_transcript(self, finished: Finished) -> Transcript:
        """Reads the transcript of a completed job."""
        loop, client = self._open()
        return loop.run(client.fetch_transcript(finished))

    def transcribe(
        self, source: Source, *, timeout_s: float = _ONE_HOUR_S, **fields: Unpack[RequestFields]
    ) -> Transcript:
        """Submits one file or object, waits, and reads the transcript."""
        loop, client = self._open()
        return loop.run(client.transcribe(source, timeout_s=timeout_s, **fields))

    def _open(self) -> tuple[LoopThread, StenoClient]:
        with self._opening:
            if self._is_closed:
                raise ClientError("the client is closed; open a new one")
            if self._loop is None or self._client is None:
                self._loop, self._client = _opened(self._config)
                atexit.register(self.close)  # who forgets to close it shall see no complaints of open connections
            return self._loop, self._client


def _opened(config: ClientConfig | None) -> tuple[LoopThread, StenoClient]:
    loop = LoopThread()
    try:
        return loop, loop.run(StenoClient(config).__aenter__())
    except BaseException:
        loop.close()
        raise
