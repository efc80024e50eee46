"""The client's half that needs the object store alone: files, results, and what is known of jobs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from contracts.client.config import ClientConfig
from contracts.client.jobs import JobHandle, handle_of_id
from contracts.client.listing import OnListed, Wanted, list_jobs
from contracts.client.results import Finished, find_outcome, read_transcript
from contracts.client.states import States
from contracts.client.storage import Storage
from contracts.client.uploads import OnBytes
from contracts.events import OutcomeEvent
from contracts.state import JobState, JobStatus
from contracts.transcript import Transcript


class StoreClient:
    """Asks object storage. Open it as an async context manager."""

    def __init__(self, config: ClientConfig | None = None) -> None:
        """Connects to nothing yet."""
        self._config = config or ClientConfig()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Builds the S3 client; no request is made.

        Raises:
            ClientError: the `AWS_*` settings do not make a client.
        """
        self._storage = await Storage.opened(self._resources, self._config)
        self._states = States(self._storage, self._config)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all connections; bounded in time. Whoever still waits is cancelled."""
        await self._resources.aclose()

    async def upload(self, path: Path, *, prefix: str | None = None, on_progress: OnBytes | None = None) -> str:
        """Puts a file under the prefix, below an id of its own; returns its URI.

        Large files go in parts, of which a few are in memory. An upload that fails or is cancelled leaves nothing.

        Raises:
            ClientError: the file cannot be read; the store does not answer or refuses.
        """
        return await self._storage.upload(path, prefix or self._config.uploads_prefix, on_progress)

    async def find_outcome(self, job: JobHandle | str, *, tenant: str | None = None) -> OutcomeEvent | None:
        """The outcome of a job that has completed, by its result set; None where there is none yet.

        Args:
            job: its handle, or its id alone.
            tenant: whose job an id names.

        Raises:
            ClientError: the store does not answer or refuses.
        """
        return await find_outcome(self._storage, self._handle(job, tenant))

    async def fetch_transcript(self, finished: Finished) -> Transcript:
        """Reads the transcript of a completed job and checks it against its manifest.

        Raises:
            ClientError: the job has no result; the store does not answer or refuses; the files do not fit together.
        """
        return await read_transcript(self._storage, finished)

    async def status(self, job_id: str, *, tenant: str | None = None) -> JobStatus | None:
        """How a job is; None where the store has nothing of it: it is queued, or was never sent.

        Raises:
            ClientError: the store does not answer or refuses; the id or tenant is none.
        """
        return await self._states.status(job_id, tenant)

    def jobs(
        self,
        *,
        tenant: str | None = None,
        state: JobState | None = None,
        since: datetime | None = None,
        on_listed: OnListed | None = None,
    ) -> AsyncGenerator[JobStatus, None]:
        """Jobs of which the store has something, newest first; those that wait for their first attempt are not there.

        Args:
            tenant: whose; None: everybody's, `-`: those of no tenant.
            state: how they are.
            since: leaves out those of which nothing was written since then.
            on_listed: told how many objects were listed so far, which all are before the first job comes.

        Raises:
            ClientError: the store does not answer or refuses; the tenant is none.
        """
        return list_jobs(self._storage, self._config, Wanted(tenant, state, since), on_listed or _ignore)

    async def cancel(
        self, job_id: str, *, tenant: str | None = None, by: str | None = None, reason: str | None = None
    ) -> JobStatus | None:
        """Asks the workers not to run a job, or not to go on; may be repeated. A request that is sent later runs.

        A job that runs ends as `cancelled` within seconds, one that waits when its turn comes; one that has completed
        stays as it is.

        Args:
            job_id: within the tenant.
            tenant: whose job it is.
            by: who asks, and
            reason: why, for the outcome.

        Returns:
            How the job was before, as `status` tells it.

        Raises:
            ClientError: the store does not answer or refuses; the id or tenant is none, a text is too long.
        """
        return await self._states.cancel(job_id, tenant, by=by, reason=reason)

    def _handle(self, job: JobHandle | str, tenant: str | None = None) -> JobHandle:
        if isinstance(job, JobHandle):
            return job
        return handle_of_id(job, self._config, tenant=tenant, now=datetime.now(UTC))


def _ignore(_count: int) -> None:
    """Nobody wants to know."""
