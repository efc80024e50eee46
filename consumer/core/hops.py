"""Retry hops: the original record whole, when it is to be tried again, and why, as Spring Kafka and people read it.

Spring counts the attempt that is to come and tells times in milliseconds since 1970 (its own as few bytes as
possible, ours as eight; either is read). Of headers that tell of the same thing several times the last one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from consumer.core.failures import JobError
from consumer.core.origins import INT32, INT64, ORIGINAL_TOPIC, Dialect, foreign, origin_of
from consumer.core.records import Header, OutboundRecord, Record

ATTEMPTS: Final = "retry_topic-attempts"
ORIGINAL_TIMESTAMP: Final = "retry_topic-original-timestamp"
_BACKOFF: Final = "retry_topic-backoff-timestamp"
_NOT_BEFORE: Final = "x-steno-not-before"
_ATTEMPT: Final = "x-steno-attempt"
_REPLAY_COUNT: Final = "x-steno-replay-count"
_FIRST_FAILURE: Final = "x-steno-first-failure-at"

_MAX_TIME_BYTES: Final = 64
_MAX_DIGITS: Final = 9
_MAX_ATTEMPT: Final = 10**_MAX_DIGITS
_INT8_SIZE: Final = 1
"""Older Spring Kafka's attempts, without a sign."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends records on."""

    group_id: str
    worker: str


@dataclass(frozen=True, slots=True)
class Hop:
    """The next attempt: which one, where and when."""

    topic: str
    attempt: int
    """At least 2."""
    not_before: datetime
    """In whole milliseconds."""


def hop_record(sender: Sender, record: Record, error: JobError, hop: Hop, *, now: datetime) -> OutboundRecord:
    """The record's own key, value and headers, then where it first stood, what failed last, and the hop.

    One that was part of another record travels alone, without its siblings.
    """
    origin = origin_of(record, sender.group_id)
    headers = (
        *foreign(record.headers),
        *origin.headers(Dialect.RETRY),
        *failure("kafka_exception-", error),
        (ATTEMPTS, INT32.pack(hop.attempt)),
        (ORIGINAL_TIMESTAMP, INT64.pack(origin.timestamp_ms)),
        (_BACKOFF, INT64.pack(_milliseconds(hop.not_before))),
        *mirror(record, error, origin.topic, hop.attempt, now=now),
        (_NOT_BEFORE, _text(hop.not_before)),
        ("x-steno-worker", sender.worker.encode()),
    )
    return OutboundRecord(hop.topic, record.key, record.value, headers)


def mirror(record: Record, error: JobError, topic: str, attempt: int, *, now: datetime) -> tuple[Header, ...]:
    """What a person wants to read, of hops and dead letters alike; the first failure's time stays what it was."""
    first_failure = (dict(record.headers).get(_FIRST_FAILURE) or b"")[:_MAX_TIME_BYTES]
    return (
        (ORIGINAL_TOPIC, topic.encode()),
        (_ATTEMPT, str(attempt).encode()),
        ("x-steno-error-code", error.code.encode()),
        ("x-steno-error-message", error.message.encode()),
        (_FIRST_FAILURE, first_failure or _text(now)),
        (_REPLAY_COUNT, str(replay_count(record)).encode()),
    )


def failure(prefix: str, error: JobError) -> tuple[Header, ...]:
    """The error as Spring Kafka tells of an exception; a listener of its own may want any of the four.

    The stack trace is its first line: in others stands what a job was about.
    """
    kind, message = _type_name(error), error.message.encode()
    return (
        (f"{prefix}fqcn", kind),
        (f"{prefix}cause-fqcn", _type_name(error.__cause__ or error)),
        (f"{prefix}message", message),
        (f"{prefix}stacktrace", kind + b": " + message),
    )


def attempt_of(record: Record) -> int:
    """Which attempt at its job a record is, from 1. Only of a hop headers are believed."""
    if not_before_ms(record) is None:
        return 1
    headers = dict(record.headers)
    raw = headers.get(ATTEMPTS) or b""
    is_binary = len(raw) in {_INT8_SIZE, INT32.size}
    told = int.from_bytes(raw, "big", signed=len(raw) > _INT8_SIZE) if is_binary else _whole(headers.get(_ATTEMPT))
    return min(max(told, 1), _MAX_ATTEMPT)


def not_before_ms(record: Record) -> int | None:
    """When a hop is due, in milliseconds since 1970; None for a record that is no hop, or an illegible one."""
    headers = dict(record.headers)
    raw = headers.get(_BACKOFF) or b""
    if 0 < len(raw) <= INT64.size:
        return int.from_bytes(raw, "big", signed=True)
    return _read_time(headers.get(_NOT_BEFORE))


def replay_count(record: Record) -> int:
    """How often an operator sent this record again; 0 when the header is absent or illegible."""
    return _whole(dict(record.headers).get(_REPLAY_COUNT))


def first_place(record: Record) -> str:
    """topic/partition/offset of the request: of a hop where that first stood, of anything else where it stands."""
    if not_before_ms(record) is None:
        return f"{record.topic}/{record.partition}/{record.offset}"
    origin = origin_of(record, "")
    return f"{origin.topic}/{origin.partition}/{origin.offset}"


def _type_name(error: BaseException) -> bytes:
    """The class in full, as Java's stand there."""
    return f"{type(error).__module__}.{type(error).__qualname__}".encode()


def _whole(raw: bytes | None) -> int:
    return int(raw) if raw and raw.isdigit() and len(raw) <= _MAX_DIGITS else 0


def _read_time(raw: bytes | None) -> int | None:
    try:
        found = datetime.fromisoformat((raw or b"")[:_MAX_TIME_BYTES].decode())
        return _milliseconds(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _text(time: datetime) -> bytes:
    return time.isoformat(timespec="milliseconds").encode()
