"""What became of jobs, written beside them in object storage, where `steno status` and `steno jobs` look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError

from consumer.core.failures import JobError
from consumer.core.jobs import Job
from consumer.core.locations import state_uri
from consumer.core.statuses import AttemptEnd, AttemptRun, make_status
from consumer.ports import Store
from contracts.errors import ErrorCode
from contracts.state import STATUS_NAME, StatusDocument

log = structlog.get_logger(__name__)

_LONGEST_S: Final = 2.0
"""For one write: the job's end waits for it."""
_JSON: Final = "application/json"


class Statuses:
    """Writes statuses, each a plain write of some hundred bytes: who writes last is right, by the lease."""

    def __init__(
        self,
        store: Store,
        state_prefix: str,
        *,
        worker: str,
        now: Callable[[], datetime],
        longest_s: float = _LONGEST_S,
    ) -> None:
        """Borrows the store."""
        self._store = store
        self._state_prefix = state_prefix
        self._worker = worker
        self._now = now
        self._longest_s = longest_s
        self.failures = 0
        """Statuses that were not written."""

    async def find(self, job: Job) -> StatusDocument | None:
        """What was written of the job last; None where nothing is, or where it cannot be told just now.

        One small read, bounded in time; never fails.
        """
        try:
            async with asyncio.timeout(self._longest_s):
                found = await self._store.read(state_uri(self._state_prefix, job.tenant, job.job_id, STATUS_NAME))
            return None if found is None else StatusDocument.model_validate_json(found.body)
        except (JobError, TimeoutError, ValidationError) as exc:
            log.info("status_not_read", error=type(exc).__name__)
            return None

    async def note(
        self, job: Job, end: AttemptEnd, *, started_at: datetime, deliveries: int = 1, is_ours: bool = True
    ) -> None:
        """Writes how an attempt ended. Best effort, bounded in time: a job never fails for it.

        A request that only borrowed another one's job id leaves no status in that job's place, nor does one that
        was refused before anybody looked whose the id is.

        Args:
            job: with the attempt that ended.
            end: how it ended.
            started_at: when the attempt began.
            deliveries: how often the job was begun, as its lease counts.
            is_ours: whether this worker had the job's lease.
        """
        is_borrowed = not is_ours or (end.error is not None and end.error.code == ErrorCode.JOB_ID_CONFLICT)
        document = make_status(job, AttemptRun(self._worker, started_at, deliveries), end, now=self._now())
        try:
            async with asyncio.timeout(self._longest_s):
                uri = state_uri(self._state_prefix, job.tenant, job.job_id, STATUS_NAME)
                if is_borrowed and await self._store.read(uri) is not None:
                    return
                await self._store.write(uri, document.model_dump_json().encode(), _JSON)
        except (JobError, TimeoutError) as exc:
            self.failures += 1
            log.warning("status_not_written", error=str(exc) or f"no answer in {self._longest_s:g} s")
