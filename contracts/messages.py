"""Every kind of message by its topic, with headers, payload and examples, as AsyncAPI tells of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts.events import Kind
from contracts.topics import TopicRole

SCHEMA_REF: Final = "#/components/schemas/"
EXAMPLES: Final = Path(__file__).parent / "examples" / "valid"

Node = dict[str, Any]

_TEXT: Final[Node] = {"type": "string"}
_JOB_KEY: Final[Node] = {"type": "string", "description": "the job id"}
_TRACE: Final[Node] = {
    "traceparent": {"type": "string", "description": "W3C trace context, carried from the request to its events"},
    "tracestate": _TEXT,
}
_BIG_ENDIAN: Final = "{} bytes, big-endian"


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message."""

    name: str
    role: TopicRole
    title: str
    payload: str | None
    """Name of the schema; None: any bytes."""
    examples: tuple[str, ...] = ()
    """Stems of files in `examples/valid`."""
    kind: Kind | None = None
    """Of an event."""


MESSAGES: Final = (
    Message(
        "request", TopicRole.REQUESTS, "A request for one transcript", "TranscriptionRequest",
        ("request-minimal", "request-full", "request-batched", "request-separate-channels"),
    ),
    Message(
        "completed", TopicRole.RESULTS, "The result set is whole", "OutcomeEvent", ("event-completed",), Kind.COMPLETED
    ),
    Message(
        "failed", TopicRole.RESULTS, "The job has no result, and why", "OutcomeEvent",
        ("event-failed", "event-failed-without-a-job"), Kind.FAILED,
    ),
    Message(
        "cancelled", TopicRole.RESULTS, "The job was cancelled", "OutcomeEvent", ("event-cancelled",), Kind.CANCELLED
    ),
    Message(
        "started", TopicRole.PROGRESS, "A worker has begun an attempt", "ProgressEvent", ("event-started",),
        Kind.STARTED,
    ),
    Message(
        "progress", TopicRole.PROGRESS, "How far an attempt is", "ProgressEvent",
        ("event-progress", "event-loading-model"), Kind.PROGRESS,
    ),
    Message(
        "retry_scheduled", TopicRole.PROGRESS, "An attempt failed, and the next one has its time", "ProgressEvent",
        ("event-retry-scheduled",), Kind.RETRY_SCHEDULED,
    ),
    Message("retry", TopicRole.RETRY, "What is to be tried again, and when", None),
    Message("deadLetter", TopicRole.DLT, "What could not succeed, and why", None),
    Message("parkedLetter", TopicRole.PARKING, "What could not succeed, though it was replayed", None),
)  # fmt: skip


def message_object(message: Message) -> Node:
    """The message as AsyncAPI's Message Object."""
    found: Node = {"name": message.name, "title": message.title, "headers": _headers(message)}
    found["payload"] = {"$ref": f"{SCHEMA_REF}{message.payload}"} if message.payload else _ORIGINAL
    if message.payload:
        found["correlationId"] = {"location": "$message.payload#/correlation_id"}
    else:
        found["contentType"] = "application/octet-stream"
    key = _JOB_KEY if message.payload else {"type": "string", "description": "the original key"}
    found["bindings"] = {"kafka": {"key": key, "bindingVersion": "0.5.0"}}
    if message.examples:
        found["examples"] = [_example(stem) for stem in message.examples]
    return found


def _headers(message: Message) -> Node:
    if message.role is TopicRole.RETRY:
        return {"type": "object", "properties": _HOP, "required": list(_HOP)}
    if message.role is TopicRole.PARKING:
        return {"type": "object", "properties": {**_REASON, **_CUT, **_PARKED}, "required": list(_PARKED)}
    if not message.payload:
        return {"type": "object", "properties": {**_REASON, **_CUT}, "required": list(_REASON)}
    if message.kind is None:
        return {"type": "object", "properties": {"content-type": _TEXT, **_TRACE, **_REPLAYED}}
    attributes: Node = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "equal for every repetition of the same fact"},
        "ce_source": {"type": "string", "description": "/steno/<deployment>"},
        "ce_type": {"type": "string", "const": message.kind.type},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "the media, s3://bucket/key"},
        "ce_dataref": {"type": "string", "description": "the manifest of a completed job, s3://bucket/key"},
        "ce_cause": {"type": "string", "description": "place of the request that is answered: topic/partition/offset"},
        "ce_fingerprint": {"type": "string", "description": "of the request, as in the manifest"},
        "content-type": _TEXT,
    }
    if message.role is TopicRole.RESULTS:
        attributes["x-steno-truncated"] = _TRUNCATED
    required = ["ce_specversion", "ce_id", "ce_source", "ce_type"]
    return {"type": "object", "properties": {**attributes, **_TRACE}, "required": required}


def _example(stem: str) -> Node:
    document: Node = json.loads((EXAMPLES / f"{stem}.json").read_text("utf-8"))
    if stem.startswith("event-"):
        return {"name": stem, "headers": document["headers"], "payload": document["value"]}
    return {"name": stem, "payload": document}


_ORIGINAL: Final[Node] = {"description": "the original bytes, whatever they were"}
_TRUNCATED: Final[Node] = {
    "type": "string",
    "description": "size of the value that the broker refused; `metadata` and the end of `error.message` are missing",
}
_INT32: Final[Node] = {"type": "string", "description": _BIG_ENDIAN.format(4)}
_INT64: Final[Node] = {"type": "string", "description": _BIG_ENDIAN.format(8)}
_TIME: Final[Node] = {"type": "string", "description": f"ms since 1970; {_BIG_ENDIAN.format(8)}"}
_GROUP: Final[Node] = {"kafka_dlt-original-consumer-group": _TEXT}


def _origin(prefix: str) -> Node:
    return {
        f"{prefix}topic": _TEXT,
        f"{prefix}partition": _INT32,
        f"{prefix}offset": _INT64,
        f"{prefix}timestamp": _TIME,
        f"{prefix}timestamp-type": {"type": "string", "description": "CreateTime or LogAppendTime"},
        **_GROUP,
        "x-original-topic": _TEXT,
    }


def _last_failure(prefix: str, attempt: str) -> Node:
    return {
        f"{prefix}fqcn": _TEXT,
        f"{prefix}cause-fqcn": _TEXT,
        f"{prefix}message": _TEXT,
        f"{prefix}stacktrace": {"type": "string", "description": "its first line"},
        "retry_topic-attempts": {"type": "string", "description": f"this delivery, from 1; {_BIG_ENDIAN.format(4)}"},
        "retry_topic-original-timestamp": _TIME,
        "x-steno-attempt": {"type": "string", "description": attempt},
        "x-steno-error-code": {"type": "string", "description": "as `error.code` of the outcome"},
        "x-steno-error-message": _TEXT,
        "x-steno-first-failure-at": {"type": "string", "format": "date-time"},
        "x-steno-replay-count": {"type": "string", "description": "from 0"},
        "x-steno-worker": _TEXT,
    }


_HOP: Final[Node] = {
    **_origin("kafka_original-"),
    **_last_failure("kafka_exception-", "the one that is to be made, from 2"),
    "retry_topic-backoff-timestamp": {"type": "string", "description": f"when it is due; {_TIME['description']}"},
    "x-steno-not-before": {"type": "string", "format": "date-time", "description": "the same"},
}
"""Beside the original headers, as Spring Kafka's retry topics have them."""
_REASON: Final[Node] = {
    **_origin("kafka_dlt-original-"),
    **_last_failure("kafka_dlt-exception-", "the last one that was made, from 1"),
}
"""Beside the original headers. Names with `kafka_` and `retry_topic-` are Spring Kafka's; `original` is where the
record stood when it failed for the first time. As with Spring Kafka, the dead letter itself counts as a delivery."""
_CUT: Final[Node] = {
    "x-steno-truncated": {"type": "string", "description": "size of the value that the broker refused, and is missing"},
    "x-steno-truncated-at": {"type": "string", "description": "where that value stands: topic/partition/offset"},
}
_PARKED: Final[Node] = {
    "x-steno-parked-from": {"type": "string", "description": "where the dead letter stood: topic/partition/offset"},
}
_REPLAYED: Final[Node] = {
    "x-steno-replay-count": {"type": "string", "description": "how often it was sent again from the dead letters"},
}
