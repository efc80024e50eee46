"""What is known of jobs from their events."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from consumer.cli.board import Board
from contracts.events import ErrorDetail, Event, Kind, OutcomeEvent, ProgressEvent
from tests.make import NOW

MEDIA = "s3://media/a.wav"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_event(data: OutcomeEvent | ProgressEvent, seconds: float, event_id: str = "") -> Event:
    return Event(
        id=event_id or f"{seconds}", source="/steno/test", type="t", time=at(seconds), subject=MEDIA, dataref=None,
        traceparent=None, tracestate=None, data=data,
    )  # fmt: skip


def progress(seconds: float, job_id: str = "a", kind: Kind = Kind.PROGRESS, **fields: Any) -> Event:
    data = ProgressEvent(job_id=job_id, kind=kind, input=MEDIA, attempt=1, worker="gpu-3")
    return make_event(data.model_copy(update=fields), seconds)


def outcome(seconds: float, kind: Kind = Kind.COMPLETED, event_id: str = "end", **fields: Any) -> Event:
    data = OutcomeEvent(
        job_id="a", outcome=kind, input=MEDIA, manifest=f"{MEDIA}/manifest.json", worker="gpu-3", attempt=1,
        error=ErrorDetail(code="MEDIA_CORRUPT", message="it is", retryable=False) if kind is Kind.FAILED else None,
    )  # fmt: skip
    return make_event(data.model_copy(update=fields), seconds, event_id)


def test_a_job_goes_from_stage_to_stage() -> None:
    board = Board()
    rows = [
        board.hear(event)
        for event in (
            progress(0, kind=Kind.STARTED), progress(1, audio_s=60.0, stage="loading_model"),
            progress(2, audio_s=60.0, done_s=15.0), progress(3, audio_s=60.0, done_s=30.0),
            outcome(4, audio_s=60.0, engine_s=2.0),
        )
    ]  # fmt: skip
    shown = [(row.stage, row.share, row.speed) for row in rows if row]
    assert shown == [
        ("started", None, None), ("loading model", None, None), ("transcribing", 0.25, 7.5),
        ("transcribing", 0.5, 10.0), ("completed", 1.0, 30.0),
    ]  # fmt: skip
    assert not board.open


def test_a_job_that_waits_for_its_retry_says_why_and_until_when_and_is_under_way() -> None:
    board = Board()
    error = ErrorDetail(code="INPUT_NOT_FOUND", message="gone", retryable=True)
    row = board.hear(progress(1, kind=Kind.RETRY_SCHEDULED, error=error, not_before=at(31)))
    assert row
    assert (row.stage, row.note) == ("retry scheduled", "INPUT_NOT_FOUND: gone; again at 2026-01-02T03:04:36+00:00")
    assert list(board.open.values()) == [row]


def test_a_failed_job_says_why() -> None:
    row = Board().hear(outcome(1, Kind.FAILED))
    assert row
    assert (row.outcome, row.share, row.note) == (Kind.FAILED, None, "MEDIA_CORRUPT: it is")


def test_an_outcome_that_is_told_again_says_nothing_new() -> None:
    board = Board()
    assert board.hear(outcome(1))
    assert board.hear(outcome(9)) is None


def test_a_second_request_that_fails_as_the_first_did_ends_its_job() -> None:
    board, first = Board(), outcome(1, Kind.FAILED)
    board.hear(replace(first, cause="requests/0/1"))
    board.hear(progress(2, kind=Kind.STARTED))
    assert board.hear(replace(first, cause="requests/0/2"))
    assert not board.open


def test_progress_from_before_the_end_is_late_and_from_after_it_a_replay() -> None:
    board = Board()
    board.hear(outcome(5))
    assert board.hear(progress(4, done_s=1.0, audio_s=2.0)) is None
    assert not board.open
    assert board.hear(progress(6, kind=Kind.STARTED))
    assert [row.job_id for row in board.open.values()] == ["a"]
    assert board.hear(outcome(7, event_id="second end"))


def test_the_speed_is_that_of_the_attempt_under_way() -> None:
    board = Board()
    for event in (progress(0, done_s=0.0, audio_s=9.0), progress(1, done_s=8.0, audio_s=9.0)):
        board.hear(event)
    row = board.hear(progress(100, done_s=1.0, audio_s=9.0, attempt=2))
    assert row
    assert row.speed is None
    row = board.hear(progress(102, done_s=5.0, audio_s=9.0, attempt=2))
    assert row
    assert row.speed == 2.0


def test_jobs_of_two_tenants_may_share_a_name() -> None:
    board = Board()
    board.hear(progress(0, tenant="x"))
    board.hear(progress(0, tenant="y"))
    assert len(board.open) == 2


def test_what_a_newer_worker_says_is_shown_as_it_is() -> None:
    row = Board().hear(progress(0, stage="diarizing_speakers", done_s=9.0, audio_s=3.0))
    assert row
    assert (row.stage, row.share) == ("diarizing speakers", 1.0)


def test_an_event_without_a_time_or_a_job_is_an_event() -> None:
    row = Board().hear(replace(outcome(0, Kind.FAILED, job_id=None), time=None))
    assert row
    assert (row.job_id, row.time) == ("-", None)
