"""What object storage tells of a job: its status as workers leave it, and the wish to cancel it.

The objects are `<state prefix>/<tenant or ->/<job_id>/{status,lease,cancel}`. `status` is written at each retry and at
the end, so a job that waits for its first attempt has none; that one runs is told by its lease, which is live.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from contracts.events import ErrorDetail
from contracts.instants import Instant
from contracts.requests import Contract, JobId, Tenant

NO_TENANT: Final = "-"
"""Stands for no tenant among the folders of tenants; no tenant is called so."""
STATUS_NAME: Final = "status"
LEASE_NAME: Final = "lease"
CANCEL_NAME: Final = "cancel"


class JobState(StrEnum):
    """How a job is."""

    QUEUED = "queued"
    """It was taken up and given back, or is to be cancelled, and waits for a worker."""
    RUNNING = "running"
    """A worker has it."""
    LOST = "lost"
    """Its worker died or fell silent; another one will take it over."""
    RETRYING = "retrying"
    """An attempt failed, and it waits for the next one."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing happens to the job any more, unless it is sent again."""
        return self in _ENDS


_ENDS: Final = frozenset((JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED))
_NOTED: Final = _ENDS | {JobState.RETRYING}


def _is_noted(state: JobState) -> JobState:
    if state not in _NOTED:
        raise ValueError(f"{state!s} is never written, it follows from other objects")
    return state


NotedState = Annotated[JobState, AfterValidator(_is_noted), Field(json_schema_extra={"enum": sorted(_NOTED)})]
"""A state that a worker writes down."""


class StatusDocument(Contract):
    """`status`: how the last attempt at a job ended. Best effort: events and manifest are what counts."""

    schema_version: Literal[1] = 1
    job_id: JobId
    tenant: Tenant | None = None
    state: NotedState
    attempt: int = Field(ge=1, description="which one ended, from 1")
    deliveries: int = Field(default=1, ge=1, description="how often it was begun, ends of its workers included")
    worker: str
    sent_at: Instant | None = Field(default=None, description="when its request was published")
    started_at: Instant | None = Field(default=None, description="when this attempt began")
    updated_at: Instant = Field(description="when this was written, by the worker's clock")
    not_before: Instant | None = Field(default=None, description="when the next attempt is due, of `retrying`")
    error: ErrorDetail | None = Field(default=None, description="why the last attempt has no result")
    manifest: str | None = Field(default=None, description="s3://…/manifest.json of a completed job")
    input: str = Field(description="s3://bucket/key")
    output: str = Field(description="prefix of the result set")
    fingerprint: str
    replay_count: int = Field(default=0, ge=0, description="how often an operator sent it again")


class CancelMarker(Contract):
    """`cancel`: a job that was sent before this shall not run, or not go on."""

    schema_version: Literal[1] = 1
    requested_at: Instant = Field(description="by the clock of who asked; a request that was sent later runs")
    by: str | None = Field(default=None, max_length=256, description="who asked")
    reason: str | None = Field(default=None, max_length=1024, description="told in the outcome")


class LeaseSight(Contract):
    """What others may read of a `lease`; the rest is between workers."""

    state: str = Field(description="`held` or `released`")
    worker: str
    deliveries: int = Field(ge=0)
    ttl_s: float = Field(gt=0)
    taken_at: Instant


class JobStatus(Contract):
    """Everything that object storage tells of one job; null is what it does not tell."""

    job_id: str
    tenant: str | None = None
    state: JobState
    attempt: int | None = None
    deliveries: int | None = None
    worker: str | None = None
    sent_at: Instant | None = None
    started_at: Instant | None = None
    updated_at: Instant | None = None
    not_before: Instant | None = None
    error: ErrorDetail | None = None
    manifest: str | None = None
    input: str | None = None
    output: str | None = None
    fingerprint: str | None = None
    replay_count: int | None = None
    cancel_requested_at: Instant | None = None
