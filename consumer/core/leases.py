"""The lease on a job: what stands in its object, and what follows from it for who wants the job.

A lease keeps two workers from running one job at once and counts the workers that a job took with it. Its age is told
by the store, so clocks of workers do not matter. Nothing hangs on it that must hold: results are written under
conditions of their own, and two workers that do run one job end with one result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import Field, ValidationError

from consumer.core.failures import TransientError
from contracts.errors import ErrorCode
from contracts.requests import Contract

LEASE_TYPE: Final = "application/json"
STORE_CLOCK_S: Final = 1.0
"""The store's clock tells whole seconds: an age from two readings is wrong by up to one, either way."""
_MAX_TTL_S: Final = 3600.0
_SHORTEST_WAIT_S: Final = 0.1


class LeaseState(StrEnum):
    """Whether somebody works on the job."""

    HELD = "held"
    """Until it has not been renewed for its time to live."""
    RELEASED = "released"


class LeaseDocument(Contract):
    """What stands in the object. Times are for people: nothing is decided by them."""

    version: Literal[1] = 1
    state: LeaseState = LeaseState.HELD
    worker: str
    token: str = Field(description="of this one taking; another worker, or the same one again, has another")
    deliveries: int = Field(ge=0, description="how often the job was taken without an end, this time included")
    lost_workers: tuple[str, ...] = Field(default=(), description="who held it before and fell silent, the last ones")
    ttl_s: float = Field(gt=0, le=_MAX_TTL_S, description="it may be taken over when not renewed for so long")
    renewals: int = Field(default=0, ge=0, description="makes each writing differ, and so its ETag")
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How often a job was taken and nothing came of it."""

    count: int = 0
    lost_workers: tuple[str, ...] = ()
    """Who took it and fell silent, the last ones."""


@dataclass(frozen=True, slots=True)
class Held:
    """The job is worked on elsewhere, as far as one can tell."""

    worker: str | None
    """None where the object is not legible."""
    wait_s: float
    """Seconds until one should look again: it may have ended by then, or be due for a take-over."""


@dataclass(frozen=True, slots=True)
class Available:
    """Nobody holds it: released, or not renewed for its time to live."""

    before: Deliveries
    """Those that the next one comes on top of."""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lasts, and how many workers a job may take with it."""

    ttl_s: float = 15.0
    max_deliveries: int = 3

    @property
    def renew_s(self) -> float:
        """Pause between two renewals, and the longest time for one: the loop may be busy, or one renewal hang."""
        return self.ttl_s / 3

    @property
    def retry_s(self) -> float:
        """Pause after a renewal that failed."""
        return self.ttl_s / 15


def read_lease(body: bytes) -> LeaseDocument | None:
    """What stands in a lease's object; None where it is none of ours."""
    try:
        return LeaseDocument.model_validate_json(body)
    except ValidationError:
        return None


def judge_lease(body: bytes, age_s: float, terms: LeaseTerms) -> Held | Available:
    """Whether a job may be taken whose lease was found.

    Args:
        body: the lease's object.
        age_s: seconds since it was written, give or take `STORE_CLOCK_S`.
        terms: our own; how long a lease lasts is said by who wrote it.
    """
    found = read_lease(body)
    if found is not None and found.state is LeaseState.RELEASED:
        return Available(Deliveries(found.deliveries, found.lost_workers))
    left_s = _left_s(terms.ttl_s if found is None else found.ttl_s, age_s)
    if left_s > 0:
        worker = None if found is None else found.worker
        return Held(worker, min(max(left_s, _SHORTEST_WAIT_S), terms.renew_s))
    return Available(Deliveries() if found is None else _after_loss(found, terms))


def is_live(document: LeaseDocument, age_s: float) -> bool:
    """Whether somebody works on the job, for who only looks on."""
    return document.state is LeaseState.HELD and _left_s(document.ttl_s, age_s) > 0


def worker_lost(document: LeaseDocument, terms: LeaseTerms) -> TransientError | None:
    """Why a job is not to be run once more; None while it may be."""
    if document.deliveries <= terms.max_deliveries:
        return None
    names = ", ".join(document.lost_workers) or "unknown"
    text = (
        f"{document.deliveries - 1} workers died or fell silent while they ran this job, the last ones: {names};"
        " look at their ends (out of memory?) before it is sent again"
    )
    return TransientError(ErrorCode.WORKER_LOST, text)


def _left_s(ttl_s: float, age_s: float) -> float:
    """Seconds until a lease has lapsed for certain."""
    return ttl_s + STORE_CLOCK_S - age_s


def _after_loss(found: LeaseDocument, terms: LeaseTerms) -> Deliveries:
    # One that was to be set aside, and whose worker died over that, is counted no further.
    lost = (*found.lost_workers, found.worker)[-terms.max_deliveries :]
    return Deliveries(min(found.deliveries, terms.max_deliveries), lost)
