"""What is written down of attempts, and that nothing waits or fails for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from consumer.core.failures import OutageError, PermanentError, TransientError
from consumer.core.statuses import AttemptEnd
from consumer.statuses import Statuses
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent
from contracts.state import JobState, StatusDocument
from tests.fakes.store import FakeStore
from tests.make import NOW, make_a_job

STATE = "s3://transcripts/.steno/"


class HangingStore(FakeStore):
    """Never answers."""

    async def write(self, uri: str, body: bytes, content_type: str) -> None:  # noqa: ARG002 - the port's
        await asyncio.Event().wait()


def make_statuses(store: FakeStore, longest_s: float = 2.0) -> Statuses:
    return Statuses(store, STATE, worker="gpu-3", now=lambda: NOW, longest_s=longest_s)


def found(store: FakeStore, tenant: str = "-") -> StatusDocument:
    return StatusDocument.model_validate_json(store.objects[f"{STATE}{tenant}/call-4711/status"])


async def test_a_retry_is_noted_with_its_reason_and_its_time() -> None:
    store, due = FakeStore(), NOW + timedelta(seconds=30)
    error = TransientError(ErrorCode.INPUT_NOT_FOUND, "s3://media/a: there is no such object")
    end = AttemptEnd.with_retry(error, due)
    await make_statuses(store).note(make_a_job(attempt=2), end, started_at=NOW, deliveries=3)
    noted = found(store)
    assert (noted.state, noted.attempt, noted.deliveries) == (JobState.RETRYING, 2, 3)
    assert (noted.not_before, noted.started_at, noted.updated_at, noted.worker) == (due, NOW, NOW, "gpu-3")
    assert noted.error is not None
    assert (noted.error.code, noted.error.retryable) == (ErrorCode.INPUT_NOT_FOUND, True)


async def test_an_end_is_noted_with_its_result_under_the_tenants_folder() -> None:
    store, job = FakeStore(), make_a_job(tenant="acme", replay_count=1)
    outcome = OutcomeEvent(
        job_id=job.job_id, outcome=Kind.COMPLETED, input="s3://m/a", manifest="s3://t/m", error=None, attempt=1,
        worker="w",
    )  # fmt: skip
    await make_statuses(store).note(job, AttemptEnd.with_outcome(outcome), started_at=NOW)
    noted = found(store, "acme")
    assert (noted.state, noted.manifest, noted.tenant, noted.replay_count) == ("completed", "s3://t/m", "acme", 1)
    assert (noted.input, noted.output) == (job.request.input.uri, job.output_uri)
    assert noted.fingerprint == job.fingerprint


async def test_a_later_end_takes_the_place_of_an_earlier_one() -> None:
    store = FakeStore()
    statuses, job = make_statuses(store), make_a_job()
    for state in (JobState.FAILED, JobState.CANCELLED):
        await statuses.note(job, AttemptEnd(state), started_at=NOW)
    assert found(store).state is JobState.CANCELLED


@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_request_that_borrowed_a_job_id_leaves_the_status_of_that_job_alone(*, is_taken: bool) -> None:
    store, job = FakeStore(), make_a_job()
    place = f"{STATE}-/{job.job_id}/status"
    if is_taken:
        store.put(place, b"another's")
    error = PermanentError(ErrorCode.JOB_ID_CONFLICT, "use a new job_id")
    end = AttemptEnd(JobState.FAILED, AttemptEnd.with_retry(error, NOW).error)
    await make_statuses(store).note(job, end, started_at=NOW)
    assert (store.objects[place] == b"another's") is is_taken


@pytest.mark.parametrize(
    "error",
    [OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away"), PermanentError(ErrorCode.OUTPUT_FORBIDDEN, "no")],
    ids=str,
)
async def test_a_store_that_fails_is_counted_and_nothing_else(error: OutageError | PermanentError) -> None:
    store = FakeStore()
    store.fail_next("write", error)
    statuses = make_statuses(store)
    await statuses.note(make_a_job(), AttemptEnd(JobState.COMPLETED), started_at=NOW)
    assert statuses.failures == 1


async def test_a_store_that_hangs_is_not_waited_for() -> None:
    statuses = make_statuses(HangingStore(), longest_s=0.0)
    await statuses.note(make_a_job(), AttemptEnd(JobState.COMPLETED), started_at=NOW)
    assert statuses.failures == 1
