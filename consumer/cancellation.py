"""Whether somebody has asked for a job to be cancelled: a marker in object storage, left by `steno cancel`.

A marker counts for requests that were sent before it was asked for, by the clock of who asked and that of who sent:
often one. So nothing is sticky: the job that is sent again later runs, and markers need not be taken away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from consumer.core.failures import JobError
from consumer.core.jobs import Job
from consumer.core.locations import state_uri
from consumer.ports import Store, StoredObject
from contracts.state import CANCEL_NAME, CancelMarker

log = structlog.get_logger(__name__)

_LONGEST_S: Final = 2.0
"""For one look: what runs beside it must not wait longer."""


class Cancellations:
    """Looks for markers."""

    def __init__(
        self, store: Store, state_prefix: str, *, now: Callable[[], datetime], longest_s: float = _LONGEST_S
    ) -> None:
        """Borrows the store."""
        self._store = store
        self._state_prefix = state_prefix
        self._now = now
        self._longest_s = longest_s

    async def find(self, job: Job) -> CancelMarker | None:
        """The marker that cancels this job; None where there is none, or where it cannot be told just now.

        One small read, bounded in time; never fails.
        """
        try:
            async with asyncio.timeout(self._longest_s):
                found = await self._store.read(state_uri(self._state_prefix, job.tenant, job.job_id, CANCEL_NAME))
        except (JobError, TimeoutError) as exc:
            log.info("cancel_marker_not_read", error=str(exc) or f"no answer in {self._longest_s:g} s")
            return None
        marker = None if found is None else self._read(found)
        return marker if marker is not None and counts(marker, job) else None

    def _read(self, found: StoredObject) -> CancelMarker:
        try:
            return CancelMarker.model_validate_json(found.body)
        except ValidationError:  # placed by hand, or by a version to come: what it wants is plain
            return CancelMarker(requested_at=self._now() - timedelta(seconds=found.age_s or 0.0))


def counts(marker: CancelMarker, job: Job) -> bool:
    """Whether a marker is meant for this request, and not for one that was sent before it under the same id."""
    return job.sent_at is None or job.sent_at <= marker.requested_at


def describe(marker: CancelMarker) -> str:
    """The message of the outcome."""
    by = f" by {marker.by}" if marker.by else ""
    reason = f": {marker.reason}" if marker.reason else ""
    return f"cancelled{by} at {marker.requested_at.isoformat(timespec='seconds')}{reason}"
