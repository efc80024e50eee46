"""Which events answer which request: a job id may have been used before, and by others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.client.jobs import JobHandle
from contracts.events import Event

CLOCK_SKEW: Final = timedelta(seconds=60)
"""Producer and worker stamp their records by clocks of their own."""
_EVER: Final = datetime.max.replace(tzinfo=UTC)


def is_answer(job: JobHandle, event: Event) -> bool:
    """Whether an event may speak of this job: not of an earlier request under its id, nor of one for something else.

    Nor of another tenant's: its job ids are its own.
    """
    if event.data.job_id != job.job_id:
        return False
    if is_exact_answer(job, event):
        return True
    return _is_of_same_request(job, event) and not _is_earlier(job, event)


def is_exact_answer(job: JobHandle, event: Event) -> bool:
    """Whether the event answers the very record that was published for the job."""
    return job.place is not None and event.cause == job.place


def _is_of_same_request(job: JobHandle, event: Event) -> bool:
    if event.data.input and event.data.tenant != job.tenant:
        return False
    if job.fingerprint and event.fingerprint:
        return job.fingerprint == event.fingerprint
    if job.input_uri and event.data.input:
        return job.input_uri == event.data.input
    # Bytes that held no job: they are ours only by their place, or where nobody can know.
    return job.place is None or event.cause is None or event.data.input is not None


def _is_earlier(job: JobHandle, event: Event) -> bool:
    """By the order of the requests in their partition; by the clocks where it is not known."""
    ours, theirs = _parsed(job.place), _parsed(event.cause)
    if ours is not None and theirs is not None and ours[0] == theirs[0]:
        return theirs[1] < ours[1]
    return (event.time or _EVER) < job.submitted_at - CLOCK_SKEW


def _parsed(place: str | None) -> tuple[str, int] | None:
    partition, _, offset = (place or "").rpartition("/")
    return (partition, int(offset)) if partition and offset.isdecimal() else None
