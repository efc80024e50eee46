"""What is known of an attempt from what was written down when it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consumer.core.failures import TransientError
from consumer.core.jobs import Job
from consumer.core.statuses import AttemptEnd, AttemptRun, make_status, told_again, was_ended
from contracts.errors import ErrorCode
from contracts.events import ErrorDetail, Kind
from contracts.state import JobState, StatusDocument
from tests.make import NOW, make_a_job

LOST = TransientError(ErrorCode.WORKER_LOST, "its workers died")


def sent_job(attempt: int = 2, **changes: Any) -> Job:
    return replace(make_a_job(attempt=attempt, tenant="acme", metadata={"case": "17"}), sent_at=NOW, **changes)


def noted(end: AttemptEnd, job: Job | None = None) -> StatusDocument:
    return make_status(job or sent_job(), AttemptRun("gpu-3", NOW), end, now=NOW)


FAILED = noted(AttemptEnd(JobState.FAILED, ErrorDetail(code=LOST.code, message=LOST.message, retryable=True)))
RETRYING = noted(AttemptEnd.with_retry(LOST, NOW + timedelta(seconds=30)))
COMPLETED = noted(AttemptEnd(JobState.COMPLETED, manifest="s3://transcripts/m"))


@pytest.mark.parametrize("status", [FAILED, RETRYING])
@pytest.mark.parametrize("attempt", [1, 2])
def test_an_attempt_was_ended_where_it_or_a_later_one_is_noted(status: StatusDocument, attempt: int) -> None:
    assert was_ended(status, sent_job(attempt))


@pytest.mark.parametrize(
    "job",
    [
        sent_job(attempt=3),
        sent_job(replay_count=1),
        sent_job(fingerprint="another"),
        replace(sent_job(), sent_at=NOW + timedelta(seconds=1)),
        replace(sent_job(), sent_at=None),
    ],
    ids=["a later attempt", "a replay", "another request", "sent again", "no time of sending"],
)
def test_what_is_noted_of_another_attempt_ends_nothing(job: Job) -> None:
    assert not was_ended(FAILED, job)


def test_a_completed_job_is_left_to_its_manifest() -> None:
    assert not was_ended(COMPLETED, sent_job())


def test_an_end_is_told_again_as_it_was() -> None:
    outcome = told_again(FAILED, sent_job(attempt=1))
    assert outcome is not None
    assert (outcome.outcome, outcome.error, outcome.attempt, outcome.worker) == (Kind.FAILED, FAILED.error, 2, "gpu-3")
    assert (outcome.tenant, outcome.metadata, outcome.manifest) == ("acme", {"case": "17"}, None)


def test_an_attempt_that_another_followed_told_no_outcome() -> None:
    assert told_again(RETRYING, sent_job()) is None
