"""Outcome and progress events as records: CloudEvents 1.0 in Kafka binary mode with deterministic ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consumer.core.failures import JobError
from consumer.core.hops import first_place
from consumer.core.jobs import Job
from consumer.core.records import Header, OutboundRecord, Record
from contracts.errors import ErrorCode, Verdict
from contracts.events import ErrorDetail, Kind, OutcomeEvent, ProgressEvent, Stage

_TRACE_HEADERS: Final = ("traceparent", "tracestate")
_TRACE_TEXT: Final = re.compile(rb"[ -~]{1,4096}")
"""Anything else is dropped. W3C asks to carry 512 characters; an event must fit and be legible whatever its request
brought with it."""
_MAX_KEY_CHARS: Final = 128
_SHORT_CHARS: Final = 256
"""What remains of an error's message where the broker refuses the whole event."""


@dataclass(frozen=True, slots=True)
class Emitter:
    """Who speaks, and where events go."""

    worker: str
    deployment: str
    results_topic: str
    progress_topic: str

    @property
    def source(self) -> str:
        """The CloudEvents `source`."""
        return f"/steno/{self.deployment}"


def outcome_record(
    emitter: Emitter, job: Job, outcome: OutcomeEvent, *, now: datetime, cause: Record
) -> OutboundRecord:
    """The event that a job has ended; the same id each time the same end is told.

    A request that only borrowed another one's job id must not be taken for that job: it is named after its place.
    """
    is_borrowed = outcome.error is not None and outcome.error.code == ErrorCode.JOB_ID_CONFLICT
    own_id = f"{job.tenant or '-'}/{job.job_id}/{outcome.outcome.value}/{job.replay_count}"
    headers = _headers(
        emitter,
        outcome.outcome,
        _place_id(cause) if is_borrowed else own_id,
        now=now,
        cause=cause,
        extra={"ce_subject": outcome.input, "ce_dataref": outcome.manifest, "ce_fingerprint": job.fingerprint},
    )
    return OutboundRecord(emitter.results_topic, job.job_id.encode(), _json(outcome), headers)


def unreadable_record(emitter: Emitter, outcome: OutcomeEvent, *, now: datetime, cause: Record) -> OutboundRecord:
    """The event that a record held no job, named after the record's place."""
    # Readers of events take the key for text, too.
    key = outcome.job_id or (cause.key or b"").decode("utf-8", "ignore")[:_MAX_KEY_CHARS]
    headers = _headers(emitter, Kind.FAILED, _place_id(cause), now=now, cause=cause)
    return OutboundRecord(emitter.results_topic, key.encode(), _json(outcome), headers)


def truncated_outcome(record: OutboundRecord) -> OutboundRecord:
    """The same outcome event without what its request brought along, for a broker that refuses its size.

    The request itself stands where `ce_cause` says.
    """
    value = record.value or b""
    outcome = OutcomeEvent.model_validate_json(value)
    error = outcome.error
    short = error and error.model_copy(update={"message": error.message[:_SHORT_CHARS]})
    kept = tuple(header for header in record.headers if header[0] != "tracestate")
    return OutboundRecord(
        record.topic,
        record.key,
        _json(outcome.model_copy(update={"metadata": {}, "error": short})),
        (*kept, ("x-steno-truncated", str(len(value)).encode())),
    )


def progress_record(
    emitter: Emitter, job: Job, event: ProgressEvent, *, now: datetime, cause: Record
) -> OutboundRecord:
    """The event that a job goes on; ids differ by attempt and, while it works, by stage or milliseconds done."""
    step = f"/{event.stage}" if event.stage else "" if event.done_s is None else f"/{round(event.done_s * 1000)}"
    event_id = f"{job.tenant or '-'}/{job.job_id}/{event.kind.value}/{job.replay_count}/{job.attempt}{step}"
    extra = {"ce_subject": event.input, "ce_fingerprint": job.fingerprint}
    headers = _headers(emitter, event.kind, event_id, now=now, cause=cause, extra=extra)
    return OutboundRecord(emitter.progress_topic, job.job_id.encode(), _json(event), headers)


def failed_outcome(job: Job, error: JobError, worker: str) -> OutcomeEvent:
    """What a job's end looks like when it has no result."""
    return OutcomeEvent(
        job_id=job.job_id,
        outcome=Kind.FAILED,
        input=job.request.input.uri,
        manifest=None,
        error=_detail(error),
        attempt=job.attempt,
        worker=worker,
        tenant=job.tenant,
        correlation_id=job.request.correlation_id,
        metadata=job.request.metadata,
    )


def cancelled_outcome(job: Job, code: ErrorCode, message: str, worker: str) -> OutcomeEvent:
    """What a job's end looks like when it was not to go on; nobody is at fault, and another try would end the same."""
    return OutcomeEvent(
        job_id=job.job_id,
        outcome=Kind.CANCELLED,
        input=job.request.input.uri,
        manifest=None,
        error=ErrorDetail(code=code, message=message, retryable=False),
        attempt=job.attempt,
        worker=worker,
        tenant=job.tenant,
        correlation_id=job.request.correlation_id,
        metadata=job.request.metadata,
    )


def unreadable_outcome(job_id: str | None, error: JobError, worker: str) -> OutcomeEvent:
    """What is said of bytes that held no job."""
    return OutcomeEvent(
        job_id=job_id, outcome=Kind.FAILED, input=None, manifest=None, error=_detail(error), attempt=1, worker=worker
    )


def progress_event(
    job: Job,
    kind: Kind,
    worker: str,
    *,
    done_s: float | None = None,
    audio_s: float | None = None,
    stage: Stage | None = None,
) -> ProgressEvent:
    """How far a job is."""
    return ProgressEvent(
        job_id=job.job_id,
        kind=kind,
        input=job.request.input.uri,
        attempt=job.attempt,
        done_s=done_s,
        audio_s=audio_s,
        stage=stage,
        worker=worker,
        tenant=job.tenant,
        correlation_id=job.request.correlation_id,
        metadata=job.request.metadata,
    )


def retry_event(job: Job, error: JobError, not_before: datetime, worker: str) -> ProgressEvent:
    """That this attempt failed, and when the next one is due."""
    event = progress_event(job, Kind.RETRY_SCHEDULED, worker)
    return event.model_copy(update={"error": _detail(error), "not_before": not_before})


def trace_headers(headers: Iterable[Header]) -> tuple[Header, ...]:
    """The W3C trace context of a record, to be carried on: each header once, the last one said."""
    found = {name: raw for name, raw in headers if name in _TRACE_HEADERS and _TRACE_TEXT.fullmatch(raw or b"")}
    return tuple(found.items())


def _place_id(record: Record) -> str:
    part = "" if record.part is None else f"/{record.part}"
    return f"{first_place(record)}{part}/failed"


def _detail(error: JobError) -> ErrorDetail:
    return ErrorDetail(code=error.code, message=error.message, retryable=error.verdict is not Verdict.PERMANENT)


def _json(event: OutcomeEvent | ProgressEvent) -> bytes:
    return event.model_dump_json().encode()


def _headers(
    emitter: Emitter,
    kind: Kind,
    event_id: str,
    *,
    now: datetime,
    cause: Record,
    extra: Mapping[str, str | None] | None = None,
) -> tuple[Header, ...]:
    attributes: dict[str, str | None] = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": emitter.source,
        "ce_type": kind.type,
        "ce_time": now.isoformat(timespec="milliseconds"),
        "ce_cause": first_place(cause),
        "content-type": "application/json",
        **(extra or {}),
    }
    named = tuple((name, text.encode()) for name, text in attributes.items() if text is not None)
    return named + trace_headers(cause.headers)
