"""How a job is, as it follows from the objects that lie about it. Pure: ages and times are the store's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from contracts.events import OutcomeEvent
from contracts.requests import Contract
from contracts.state import CancelMarker, JobState, JobStatus, LeaseSight, StatusDocument

_HELD: Final = "held"
_STORE_CLOCK_S: Final = 1.0
"""The store tells times in whole seconds."""

Model = TypeVar("Model", bound=Contract)


@dataclass(frozen=True, slots=True)
class Sight:
    """An object as the store gave it."""

    body: bytes
    modified_at: datetime
    age_s: float
    """Seconds since it was written, when it was read."""


@dataclass(frozen=True, slots=True)
class Sights:
    """What lies about one job."""

    status: Sight | None = None
    lease: Sight | None = None
    cancel: Sight | None = None
    outcome: OutcomeEvent | None = None
    """From the manifest."""


def judge(job_id: str, tenant: str | None, sights: Sights) -> JobStatus | None:
    """How the job is; None where nothing lies about it.

    A manifest says that the job has completed, whatever else is there. A lease says more than a status that was
    written before it, and nothing beside one that came later: the worker had no more use for it.
    """
    status, lease = _read(StatusDocument, sights.status), _read(LeaseSight, sights.lease)
    if sights.outcome is not None and (status is None or status.state is not JobState.COMPLETED):
        return _completed(job_id, tenant, sights.outcome, _touched_at(sights), status)
    lease_counts = sights.outcome is None and _is_later(sights.lease, sights.status)
    if lease_counts and lease is not None and lease.state == _HELD and sights.lease is not None:
        found = _leased(job_id, tenant, lease, sights.lease, status)
    elif status is not None:
        found = JobStatus(**_fields(status))
    elif sights == Sights():
        return None
    else:
        found = JobStatus(job_id=job_id, tenant=tenant, state=JobState.QUEUED, updated_at=_touched_at(sights))
    return found if found.state.is_end else _with_wish(found, _read(CancelMarker, sights.cancel))


def needs_lease(status_at: datetime | None, lease_at: datetime | None) -> bool:
    """Whether a lease can say anything, by when the objects were written."""
    return lease_at is not None and (status_at is None or lease_at > status_at)


def _is_later(lease: Sight | None, status: Sight | None) -> bool:
    return needs_lease(status.modified_at if status else None, lease.modified_at if lease else None)


def _leased(
    job_id: str, tenant: str | None, lease: LeaseSight, sight: Sight, status: StatusDocument | None
) -> JobStatus:
    is_live = sight.age_s <= lease.ttl_s + _STORE_CLOCK_S
    is_next = status is not None and status.state is JobState.RETRYING
    known = _fields(status) if status is not None and is_next else {"job_id": job_id, "tenant": tenant}
    now = {
        "state": JobState.RUNNING if is_live else JobState.LOST,
        "attempt": status.attempt + 1 if status is not None and is_next else None,
        "worker": lease.worker,
        "deliveries": lease.deliveries,
        "started_at": lease.taken_at,
        "updated_at": sight.modified_at,
        "not_before": None,
    }
    return JobStatus(**{**known, **now})


def _completed(
    job_id: str, tenant: str | None, outcome: OutcomeEvent, updated_at: datetime | None, status: StatusDocument | None
) -> JobStatus:
    return JobStatus(
        job_id=job_id,
        tenant=tenant,
        state=JobState.COMPLETED,
        attempt=outcome.attempt,
        worker=outcome.worker,
        updated_at=updated_at,
        manifest=outcome.manifest,
        input=outcome.input,
        output=status.output if status else None,
        fingerprint=status.fingerprint if status else None,
    )


def _touched_at(sights: Sights) -> datetime | None:
    """When something was written last, by the store's clock."""
    seen = (sights.status, sights.lease, sights.cancel)
    return max((sight.modified_at for sight in seen if sight is not None), default=None)


def _with_wish(found: JobStatus, marker: CancelMarker | None) -> JobStatus:
    return found if marker is None else found.model_copy(update={"cancel_requested_at": marker.requested_at})


def _fields(status: StatusDocument) -> dict[str, Any]:
    return {name: getattr(status, name) for name in JobStatus.model_fields.keys() & StatusDocument.model_fields.keys()}


def _read(model: type[Model], sight: Sight | None) -> Model | None:
    """The document; None as well for one that this version cannot read."""
    if sight is None:
        return None
    try:
        return model.model_validate_json(sight.body)
    except ValidationError:
        return None
