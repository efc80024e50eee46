"""Events as records: ids, headers and values."""

from __future__ import annotations

from consumer.core.events import (
    failed_outcome,
    outcome_record,
    progress_event,
    progress_record,
    unreadable_outcome,
    unreadable_record,
)
from consumer.core.failures import PermanentError, TransientError
from consumer.core.resultset import derive_result_set
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent, ProgressEvent, Stage, parse_event
from tests.make import EMITTER, NOW, make_a_job, make_record, make_transcript

TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def test_an_outcome_is_a_cloud_event_that_names_the_result() -> None:
    job = make_a_job(metadata={"case": "17"}, replay_count=2)
    outcome = derive_result_set(make_transcript(job=job).model_dump_json().encode()).outcome

    record = outcome_record(EMITTER, job, outcome, now=NOW, cause=make_record(headers=(TRACE, ("other", b"x"))))
    event = parse_event(record.headers, record.value)

    assert (record.topic, record.key) == ("results", b"call-4711")
    assert event.id == "-/call-4711/completed/2"
    assert (event.source, event.type) == ("/steno/test", "io.steno.transcription.completed.v1")
    assert (event.time, event.subject) == (NOW, "s3://media/calls/4711.mp3")
    assert event.dataref == "s3://transcripts/call-4711/manifest.json"
    assert event.traceparent == TRACE[1].decode()
    assert isinstance(event.data, OutcomeEvent)
    assert event.data.metadata == {"case": "17"}
    assert dict(record.headers).keys().isdisjoint({"other"})


def test_a_failed_outcome_says_why_and_whether_to_try_again() -> None:
    for error, retryable in (
        (PermanentError(ErrorCode.MEDIA_CORRUPT, "broken"), False),
        (TransientError(ErrorCode.INPUT_NOT_FOUND, "gone"), True),
    ):
        outcome = failed_outcome(make_a_job(), error, "gpu-3")
        assert outcome.error is not None
        assert (outcome.error.code, outcome.error.message) == (error.code, error.message)
        assert outcome.error.retryable is retryable
        assert outcome.manifest is None


def test_bytes_without_a_job_are_named_after_their_place() -> None:
    outcome = unreadable_outcome(None, PermanentError(ErrorCode.REQUEST_INVALID, "no"), "gpu-3")
    record = unreadable_record(EMITTER, outcome, now=NOW, cause=make_record(b"x", key=b"k"))

    assert parse_event(record.headers, record.value).id == "requests/3/42/failed"
    assert record.key == b"k"
    assert unreadable_record(EMITTER, outcome, now=NOW, cause=make_record(b"x", key=None)).key == b""


def test_a_faulty_request_with_a_legible_id_is_told_to_that_job_under_an_id_of_its_own() -> None:
    outcome = unreadable_outcome("call-1", PermanentError(ErrorCode.REQUEST_INVALID, "no"), "gpu-3")
    record = unreadable_record(EMITTER, outcome, now=NOW, cause=make_record(b"x"))

    assert parse_event(record.headers, record.value).id == "requests/3/42/failed"
    assert record.key == b"call-1"


def test_a_borrowed_job_id_does_not_name_the_event() -> None:
    job = make_a_job()
    outcome = failed_outcome(job, PermanentError(ErrorCode.JOB_ID_CONFLICT, "taken"), "gpu-3")
    record = outcome_record(EMITTER, job, outcome, now=NOW, cause=make_record())

    assert parse_event(record.headers, record.value).id == "requests/3/42/failed"


def test_progress_events_of_one_attempt_have_different_ids() -> None:
    job = make_a_job(attempt=2)
    kinds = (
        (Kind.STARTED, None, None), (Kind.PROGRESS, None, Stage.LOADING_MODEL),
        (Kind.PROGRESS, 1.5, None), (Kind.PROGRESS, 3.0, None),
    )  # fmt: skip
    events = [
        progress_record(
            EMITTER,
            job,
            progress_event(job, kind, "gpu-3", done_s=done_s, audio_s=9.0, stage=stage),
            now=NOW,
            cause=make_record(),
        )
        for kind, done_s, stage in kinds
    ]
    parsed = [parse_event(record.headers, record.value) for record in events]

    assert [event.id for event in parsed] == [
        "-/call-4711/started/0/2",
        "-/call-4711/progress/0/2/loading_model",
        "-/call-4711/progress/0/2/1500",
        "-/call-4711/progress/0/2/3000",
    ]
    assert {record.topic for record in events} == {"progress"}
    assert all(isinstance(event.data, ProgressEvent) for event in parsed)
