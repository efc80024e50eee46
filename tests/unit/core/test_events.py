"""Events as records: ids, headers and values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

from consumer.core.events import (
    cancelled_outcome,
    failed_outcome,
    outcome_record,
    progress_event,
    progress_record,
    retry_event,
    trace_headers,
    truncated_outcome,
    unreadable_outcome,
    unreadable_record,
)
from consumer.core.failures import PermanentError, TransientError
from consumer.core.hops import Hop, Sender, hop_record
from consumer.core.records import OutboundRecord
from consumer.core.resultset import derive_result_set
from contracts.errors import ErrorCode
from contracts.events import ErrorDetail, Kind, OutcomeEvent, ProgressEvent, Stage, parse_event
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


def test_an_outcome_that_is_too_large_keeps_what_the_worker_says_and_says_that_it_was_cut() -> None:
    job = make_a_job(metadata={"note": "x" * 5000}, correlation_id="ticket-1")
    error = PermanentError(ErrorCode.MEDIA_CORRUPT, "m" * 5000)
    headers = (TRACE, ("tracestate", b"s" * 4000))
    outcome = failed_outcome(job, error, "gpu-3")
    record = outcome_record(EMITTER, job, outcome, now=NOW, cause=make_record(headers=headers))

    short = truncated_outcome(record)
    whole, event = (parse_event(each.headers, each.value) for each in (record, short))

    assert (short.topic, short.key, dict(short.headers)["x-steno-truncated"]) == (
        record.topic, record.key, str(len(record.value or b"")).encode(),
    )  # fmt: skip
    assert (event.id, event.cause, event.traceparent, event.tracestate) == (
        whole.id, "requests/3/42", TRACE[1].decode(), None,
    )  # fmt: skip
    assert isinstance(event.data, OutcomeEvent)
    assert event.data.error == ErrorDetail(code=ErrorCode.MEDIA_CORRUPT, message="m" * 256, retryable=False)
    assert event.data == outcome.model_copy(update={"metadata": {}, "error": event.data.error})


def test_a_completed_outcome_can_be_cut_too() -> None:
    job = make_a_job(metadata={"note": "x" * 5000})
    outcome = derive_result_set(make_transcript(job=job).model_dump_json().encode()).outcome
    short = truncated_outcome(outcome_record(EMITTER, job, outcome, now=NOW, cause=make_record()))

    assert parse_event(short.headers, short.value).data == outcome.model_copy(update={"metadata": {}})


def test_events_name_the_request_that_they_answer() -> None:
    job, cause = make_a_job(), make_record(b"x")
    failed = failed_outcome(job, PermanentError(ErrorCode.MEDIA_CORRUPT, "broken"), "gpu-3")
    unread = unreadable_outcome("call-1", PermanentError(ErrorCode.REQUEST_INVALID, "no"), "gpu-3")
    records = (
        outcome_record(EMITTER, job, failed, now=NOW, cause=cause),
        progress_record(EMITTER, job, progress_event(job, Kind.STARTED, "gpu-3"), now=NOW, cause=cause),
        unreadable_record(EMITTER, unread, now=NOW, cause=cause),
    )
    events = [parse_event(record.headers, record.value) for record in records]
    assert [event.cause for event in events] == ["requests/3/42"] * 3
    assert [event.fingerprint for event in events] == [job.fingerprint, job.fingerprint, None]


def test_through_all_retries_events_name_the_request_itself() -> None:
    job, error = make_a_job(attempt=2), TransientError(ErrorCode.INPUT_NOT_FOUND, "gone")
    sent = hop_record(Sender("workers", "w"), make_record(), error, Hop("requests-retry-5", 2, NOW), now=NOW)
    hop = replace(make_record(headers=sent.headers, offset=7), topic=sent.topic)
    conflict = PermanentError(ErrorCode.JOB_ID_CONFLICT, "another one's")
    records = (
        outcome_record(EMITTER, job, failed_outcome(job, conflict, "gpu-3"), now=NOW, cause=hop),
        progress_record(EMITTER, job, retry_event(job, error, NOW, "gpu-3"), now=NOW, cause=hop),
    )
    events = [parse_event(record.headers, record.value) for record in records]
    assert [event.cause for event in events] == ["requests/3/42"] * 2
    assert [event.id for event in events] == ["requests/3/42/failed", "-/call-4711/retry_scheduled/0/2"]


def test_a_scheduled_retry_says_why_and_when() -> None:
    event = retry_event(make_a_job(), TransientError(ErrorCode.ENGINE_CRASHED, "crashed"), NOW, "gpu-3")
    record = progress_record(EMITTER, make_a_job(), event, now=NOW, cause=make_record())
    read = parse_event(record.headers, record.value).data
    assert isinstance(read, ProgressEvent)
    assert (read.kind, read.not_before) == (Kind.RETRY_SCHEDULED, NOW)
    assert read.error == ErrorDetail(code="ENGINE_CRASHED", message="crashed", retryable=True)


def test_a_cancelled_outcome_is_nobodys_fault() -> None:
    job = make_a_job(tenant="acme", metadata={"case": "17"}, correlation_id="ticket-1")
    outcome = cancelled_outcome(job, ErrorCode.DEADLINE_EXCEEDED, "too late", "gpu-3")
    assert outcome.error == ErrorDetail(code="DEADLINE_EXCEEDED", message="too late", retryable=False)
    assert (outcome.outcome, outcome.manifest, outcome.tenant) == (Kind.CANCELLED, None, "acme")
    assert (outcome.metadata, outcome.correlation_id) == ({"case": "17"}, "ticket-1")


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


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("traceparent", None),
        ("traceparent", b""),
        ("traceparent", b"\xff"),
        ("tracestate", b"x" * 5000),
        ("other", b"x"),
    ],
)
def test_a_trace_context_that_is_no_short_text_is_not_carried_on(name: str, raw: bytes | None) -> None:
    assert trace_headers([TRACE, (name, raw)][::-1]) == (TRACE,)


def test_two_faulty_records_of_one_notification_are_told_under_two_ids() -> None:
    outcome = unreadable_outcome(None, PermanentError(ErrorCode.REQUEST_INVALID, "no"), "gpu-3")
    causes = [replace(make_record(b"x"), part=part) for part in (0, 1)]
    records = [unreadable_record(EMITTER, outcome, now=NOW, cause=cause) for cause in causes]

    assert [parse_event(record.headers, record.value).id for record in records] == [
        "requests/3/42/0/failed",
        "requests/3/42/1/failed",
    ]


STRANGE_KEYS = (None, b"", b"\xff\xfe", "ключ".encode(), b"k" * 1_000_000)


def _all_events() -> list[OutboundRecord]:
    job = make_a_job(metadata={"case": "17"}, input={"uri": "s3://media/ключ + 100%.mp3"})
    completed = derive_result_set(make_transcript(job=job).model_dump_json().encode()).outcome
    error = PermanentError(ErrorCode.REQUEST_INVALID, "no")
    failed = failed_outcome(job, error, "gpu-3")
    progress = progress_event(job, Kind.PROGRESS, "gpu-3", done_s=1.5)
    unreadable = unreadable_outcome(None, error, "gpu-3")
    cause = make_record(headers=(TRACE, ("tracestate", b"\xff")))
    return [
        outcome_record(EMITTER, job, completed, now=NOW, cause=cause),
        outcome_record(EMITTER, job, failed, now=NOW, cause=cause),
        progress_record(EMITTER, job, progress, now=NOW, cause=cause),
        *(unreadable_record(EMITTER, unreadable, now=NOW, cause=replace(cause, key=key)) for key in STRANGE_KEYS),
    ]


@pytest.mark.parametrize("record", _all_events())
def test_the_sdk_of_cloudevents_reads_our_events_unchanged(record: OutboundRecord) -> None:
    headers = {name: raw for name, raw in record.headers if raw is not None}
    assert len(headers) == len(record.headers)
    theirs = from_kafka_event(KafkaMessage(headers=headers, key=record.key, value=record.value or b""))
    ours = parse_event(record.headers, record.value)

    assert (theirs.get_id(), theirs.get_source(), theirs.get_type()) == (ours.id, ours.source, ours.type)
    assert (theirs.get_subject(), theirs.get_time()) == (ours.subject, NOW)
    assert theirs.get_extension("dataref") == ours.dataref
    assert theirs.get_specversion() == "1.0"
    assert theirs.get_datacontenttype() == "application/json"
    assert theirs.get_data() == json.loads(record.value or b"")
    assert len(record.key or b"") < 1000
