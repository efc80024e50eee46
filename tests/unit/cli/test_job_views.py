"""What users read of jobs."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from consumer.cli.job_views import account, line, sentence, table
from contracts.events import ErrorDetail
from contracts.state import JobState, JobStatus

AT = datetime(2030, 1, 1, 9, tzinfo=UTC)
TIME = "2030-01-01T09:00:00+00:00"


def make_status(state: JobState, **fields: Any) -> JobStatus:
    return JobStatus(job_id="call-1", state=state, **fields)


def drawn(job: JobStatus, *, width: int) -> list[str]:
    """The lines of a table."""
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(table([job], width=width, now=AT))
    return [each.rstrip() for each in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (make_status(JobState.QUEUED), "queued: it waits for a worker"),
        (make_status(JobState.RUNNING, worker="w", started_at=AT), f"running on w since {TIME}"),
        (
            make_status(JobState.LOST, worker="w", updated_at=AT),
            f"lost: w fell silent after {TIME}; another worker takes it over",
        ),
        (make_status(JobState.RETRYING, attempt=2, not_before=AT), f"retrying: attempt 3 is due at {TIME}"),
        (make_status(JobState.COMPLETED), "completed"),
        (
            make_status(JobState.QUEUED, cancel_requested_at=AT),
            f"queued: it waits for a worker; cancel was requested at {TIME}",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_state_is_a_sentence(job: JobStatus, expected: str) -> None:
    assert sentence(job) == expected


def test_an_account_leaves_out_what_is_not_known_or_goes_without_saying() -> None:
    told = account(make_status(JobState.COMPLETED, attempt=1, deliveries=1, replay_count=0, manifest="s3://t/m"))
    assert told.splitlines() == [
        "job        call-1", "state      completed", "attempt    1", "manifest   s3://t/m"
    ]  # fmt: skip
    told = account(make_status(JobState.FAILED, deliveries=3, replay_count=2))
    assert told.splitlines()[2:] == ["deliveries 3", "replays    2"]


def test_what_workers_say_stays_on_its_line() -> None:
    error = ErrorDetail(code="INTERNAL", message="odd\nworker\t\x1b[31m", retryable=True)
    job = make_status(JobState.FAILED, error=error, tenant="acme", attempt=1, updated_at=AT)
    assert line(job).split("\t") == [TIME, "call-1", "acme", "failed", "1", r"INTERNAL: odd\nworker\t\x1b[31m"]
    assert r"odd\nworker" in account(job)


def test_a_table_keeps_job_and_state_on_a_narrow_terminal() -> None:
    job = make_status(JobState.FAILED, error=ErrorDetail(code="INTERNAL", message="x" * 500, retryable=True))
    assert drawn(job, width=40) == ["age  job     state   attempt", "     call-1  failed"]
    wide = drawn(job, width=60)[1]
    assert (len(wide), wide.split()[:2], wide[-1]) == (60, ["call-1", "failed"], "…")


@pytest.mark.parametrize(("ago_s", "age"), [(-5, "0s"), (59, "59s"), (60, "1m"), (7300, "2h"), (100_000, "1d")])
def test_a_table_tells_ages(ago_s: int, age: str) -> None:
    job = make_status(JobState.COMPLETED, tenant="acme", updated_at=AT - timedelta(seconds=ago_s))
    assert drawn(job, width=60)[1].split() == [age, "call-1", "acme", "completed"]
