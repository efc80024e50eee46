"""What follows from the objects beside a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from consumer.core.leases import LeaseDocument, LeaseState
from consumer.core.locations import state_uri
from contracts.client import ClientConfig
from contracts.client.judgement import Sight, Sights, judge
from contracts.client.states import folder_of, state_prefix
from contracts.events import ErrorDetail, Kind, OutcomeEvent
from contracts.state import CancelMarker, JobState, JobStatus, StatusDocument

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
TTL_S: Final = 15.0
ERROR: Final = ErrorDetail(code="INPUT_NOT_FOUND", message="why", retryable=True)
OUTCOME: Final = OutcomeEvent(
    job_id="a", outcome=Kind.COMPLETED, input="s3://m/a", manifest="s3://t/a/manifest.json", error=None, attempt=2,
    worker="w",
)  # fmt: skip


def sight(document: BaseModel, at_s: float = 0.0, age_s: float = 1.0) -> Sight:
    return Sight(document.model_dump_json().encode(), NOW + timedelta(seconds=at_s), age_s)


def status(state: JobState, at_s: float = 0.0, **fields: Any) -> Sight:
    known: dict[str, Any] = {
        "job_id": "a", "attempt": 1, "worker": "w", "updated_at": NOW, "input": "s3://m/a", "output": "s3://t/",
        "fingerprint": "f",
    }  # fmt: skip
    return sight(StatusDocument(state=state, **{**known, **fields}), at_s)


def lease(at_s: float = 10.0, age_s: float = 1.0, state: LeaseState = LeaseState.HELD) -> Sight:
    document = LeaseDocument(
        state=state, worker="gpu-3", token="t", deliveries=2, lost_workers=("gpu-2",), ttl_s=TTL_S, taken_at=NOW
    )
    return sight(document, at_s, age_s)


RELEASED: Final = lease(state=LeaseState.RELEASED)
MARKER: Final = sight(CancelMarker(requested_at=NOW))


def judged(*, status: Sight | None = None, lease: Sight | None = None, cancel: Sight | None = None,
           outcome: OutcomeEvent | None = None) -> JobStatus:  # fmt: skip
    found = judge("a", None, Sights(status, lease, cancel, outcome))
    assert found is not None
    return found


def test_nothing_follows_from_nothing() -> None:
    assert judge("a", None, Sights()) is None


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.RETRYING])
def test_a_status_is_what_it_says_when_nobody_works(state: JobState) -> None:
    assert judged(status=status(state)).state is state
    assert judged(status=status(state), lease=RELEASED).state is state


def test_a_live_lease_is_a_running_job() -> None:
    found = judged(lease=lease())
    assert (found.state, found.worker, found.deliveries) == (JobState.RUNNING, "gpu-3", 2)
    assert (found.started_at, found.updated_at) == (NOW, NOW + timedelta(seconds=10))


def test_the_store_tells_whole_seconds_so_a_lease_lives_one_more() -> None:
    assert judged(lease=lease(age_s=TTL_S + 1)).state is JobState.RUNNING
    assert judged(lease=lease(age_s=TTL_S + 2)).state is JobState.LOST


def test_an_attempt_that_runs_follows_the_one_that_failed() -> None:
    found = judged(status=status(JobState.RETRYING, error=ERROR, not_before=NOW), lease=lease())
    assert (found.state, found.attempt, found.error) == (JobState.RUNNING, 2, ERROR)
    assert found.not_before is None


def test_a_job_that_was_sent_again_has_its_old_end_behind_it() -> None:
    found = judged(status=status(JobState.FAILED, error=ERROR), lease=lease())
    assert (found.state, found.attempt, found.error) == (JobState.RUNNING, None, None)


@pytest.mark.parametrize("age_s", [1.0, TTL_S * 2])
def test_a_status_ends_the_lease_that_was_not_released(age_s: float) -> None:
    assert judged(status=status(JobState.FAILED, at_s=10.0), lease=lease(at_s=10.0, age_s=age_s)).state == "failed"


def test_a_manifest_is_a_completed_job_whatever_else_is_there() -> None:
    found = judged(status=status(JobState.FAILED, error=ERROR), lease=lease(), cancel=MARKER, outcome=OUTCOME)
    assert (found.state, found.manifest, found.attempt) == (JobState.COMPLETED, OUTCOME.manifest, 2)
    assert (found.error, found.cancel_requested_at) == (None, None)
    assert found.updated_at == lease().modified_at


def test_a_completed_job_that_comes_again_is_completed_while_a_worker_looks_at_it() -> None:
    found = judged(status=status(JobState.COMPLETED, at_s=1.0), lease=lease(at_s=10.0), outcome=OUTCOME)
    assert found.state is JobState.COMPLETED


def test_a_job_that_was_given_back_waits() -> None:
    found = judged(lease=RELEASED)
    assert (found.state, found.updated_at) == (JobState.QUEUED, RELEASED.modified_at)


def test_the_wish_to_cancel_is_told_until_the_job_has_ended() -> None:
    assert judged(cancel=MARKER).cancel_requested_at == NOW
    assert judged(lease=lease(), cancel=MARKER).cancel_requested_at == NOW
    assert judged(status=status(JobState.CANCELLED), cancel=MARKER).cancel_requested_at is None


def test_what_cannot_be_read_says_only_that_the_job_is_there() -> None:
    assert judged(status=Sight(b"{}", NOW, 1.0), lease=Sight(b"", NOW, 1.0)).state is JobState.QUEUED


BODIES: Final = st.sampled_from([
    *(status(state).body for state in (JobState.COMPLETED, JobState.FAILED, JobState.RETRYING)), lease().body,
    RELEASED.body, MARKER.body, b"", b"{}", b"[1]", b"\xff",
])  # fmt: skip
SIGHTS: Final = st.none() | st.builds(
    Sight, BODIES, st.datetimes(timezones=st.just(UTC)), st.floats(-10.0, 100.0, allow_nan=False)
)


@given(SIGHTS, SIGHTS, SIGHTS, st.sampled_from([None, OUTCOME]))
def test_whatever_lies_there_is_a_job_in_some_state(
    status: Sight | None, lease: Sight | None, cancel: Sight | None, outcome: OutcomeEvent | None
) -> None:
    sights = Sights(status, lease, cancel, outcome)
    found = judge("a", None, sights)
    assert (found is None) is (sights == Sights())
    if outcome is not None:
        assert found is not None
        assert found.state is JobState.COMPLETED


@pytest.mark.parametrize("tenant", [None, "acme"])
@pytest.mark.parametrize("prefix", ["s3://texts/.steno/", "s3://texts/.steno", "s3://texts/"])
def test_client_and_worker_look_in_the_same_place(tenant: str | None, prefix: str) -> None:
    ours = f"{state_prefix(ClientConfig(state_prefix=prefix))}{folder_of(tenant)}/a/status"
    assert ours == state_uri(prefix, tenant, "a", "status")


def test_the_state_lies_below_the_results_unless_said() -> None:
    assert state_prefix(ClientConfig(results_prefix="s3://texts/calls")) == "s3://texts/calls/.steno/"
