"""What is written down of an attempt that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from consumer.core.failures import JobError
from consumer.core.jobs import Job
from contracts.errors import Verdict
from contracts.events import ErrorDetail, Kind, OutcomeEvent
from contracts.state import JobState, StatusDocument


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended: with the job's end, or with another attempt to come."""

    state: JobState
    error: ErrorDetail | None = None
    not_before: datetime | None = None
    """When the next attempt is due."""
    manifest: str | None = None

    @classmethod
    def with_outcome(cls, outcome: OutcomeEvent) -> Self:
        """The job has ended, this way."""
        return cls(JobState(outcome.outcome.value), outcome.error, manifest=outcome.manifest)

    @classmethod
    def with_retry(cls, error: JobError, not_before: datetime) -> Self:
        """The attempt has failed, and the next one is due then."""
        is_retryable = error.verdict is not Verdict.PERMANENT
        detail = ErrorDetail(code=error.code, message=error.message, retryable=is_retryable)
        return cls(JobState.RETRYING, detail, not_before)


@dataclass(frozen=True, slots=True)
class AttemptRun:
    """Who made an attempt, and when."""

    worker: str
    started_at: datetime
    deliveries: int = 1
    """How often the job was begun, this time included: by its lease."""


def was_ended(status: StatusDocument, job: Job) -> bool:
    """Whether it tells the end of this very attempt, or of a later one, at the same sending of the job."""
    told = status.fingerprint, status.replay_count, status.sent_at
    is_same = job.sent_at is not None and told == (job.fingerprint, job.replay_count, job.sent_at)
    return is_same and status.attempt >= job.attempt and status.state is not JobState.COMPLETED


def told_again(status: StatusDocument, job: Job) -> OutcomeEvent | None:
    """The outcome that was told of a job without a result; None where another attempt followed."""
    if not status.state.is_end:
        return None
    return OutcomeEvent(
        job_id=job.job_id,
        outcome=Kind(status.state.value),
        input=job.request.input.uri,
        manifest=None,
        error=status.error,
        attempt=status.attempt,
        worker=status.worker,
        tenant=job.tenant,
        correlation_id=job.request.correlation_id,
        metadata=job.request.metadata,
    )


def make_status(job: Job, run: AttemptRun, end: AttemptEnd, *, now: datetime) -> StatusDocument:
    """The document, whole."""
    return StatusDocument(
        job_id=job.job_id,
        tenant=job.tenant,
        state=end.state,
        attempt=job.attempt,
        deliveries=max(run.deliveries, 1),
        worker=run.worker,
        sent_at=job.sent_at,
        started_at=run.started_at,
        updated_at=now,
        not_before=end.not_before,
        error=end.error,
        manifest=end.manifest,
        input=job.request.input.uri,
        output=job.output_uri,
        fingerprint=job.fingerprint,
        replay_count=job.replay_count,
    )
