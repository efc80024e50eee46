"""Dead letters: the original record whole, and why, under Spring Kafka's header names and a readable mirror."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consumer.core.failures import JobError
from consumer.core.records import Header, OutboundRecord, Record

_MIRROR_PREFIX: Final = "x-steno-"
_OWN_PREFIXES: Final = ("kafka_dlt-", _MIRROR_PREFIX)
_OWN_NAMES: Final = ("x-original-topic",)
_REPLAY_COUNT: Final = "x-steno-replay-count"
_MAX_TIME_BYTES: Final = 64
_INT32: Final = struct.Struct("!i")
_INT64: Final = struct.Struct("!q")
_NAME_SIZES: Final = range(1, 250)
"""Of a topic in bytes, as Kafka has it; a group's name is held to it, too."""
_ORIGIN_SIZES: Final[Mapping[str, range]] = {
    "kafka_dlt-original-topic": _NAME_SIZES,
    "kafka_dlt-original-partition": range(_INT32.size, _INT32.size + 1),
    "kafka_dlt-original-offset": range(_INT64.size, _INT64.size + 1),
    "kafka_dlt-original-timestamp": range(_INT64.size, _INT64.size + 1),
    "kafka_dlt-original-consumer-group": _NAME_SIZES,
}
"""Where a record first stood, and the bytes that each header may have."""


@dataclass(frozen=True, slots=True)
class DeadLetterOffice:
    """Where dead letters go and who sends them."""

    topic: str
    group_id: str
    worker: str


def dead_letter(
    office: DeadLetterOffice, record: Record, error: JobError, *, attempt: int, now: datetime
) -> OutboundRecord:
    """The record's own key, value and headers, then the reason.

    Of what an earlier stay on a dead-letter topic left, where the record first stood and when it first failed are
    kept, and the reason is replaced; the list that was received is not edited.
    A record with neither key nor value gets an empty key, because the broker would take it for nothing at all.
    """
    kept = tuple(header for header in record.headers if not _is_own(header[0]))
    key = b"" if record.key is None and record.value is None else record.key
    return OutboundRecord(office.topic, key, record.value, kept + _reason(office, record, error, attempt, now))


def truncated_dead_letter(letter: OutboundRecord, record: Record) -> OutboundRecord:
    """The same dead letter without its value and foreign headers, for a broker that refuses its size.

    Where the value stands is in the headers: topic/partition/offset, beside where it first stood.
    """
    reason = tuple(header for header in letter.headers if _is_own(header[0]))
    cut = (
        ("x-steno-truncated", str(len(record.value or b"")).encode()),
        ("x-steno-truncated-at", f"{record.topic}/{record.partition}/{record.offset}".encode()),
    )
    return OutboundRecord(letter.topic, (letter.key or b"")[:256], None, (*reason, *cut))


def replay_count(record: Record) -> int:
    """How often an operator sent this record again; 0 when the header is absent or illegible."""
    text = dict(record.headers).get(_REPLAY_COUNT) or b""
    return int(text) if text.isdigit() and len(text) < len("1000000000") else 0


def _is_own(name: str) -> bool:
    return name.startswith(_OWN_PREFIXES) or name in _OWN_NAMES


def _origin(office: DeadLetterOffice, record: Record) -> tuple[Header, ...]:
    return (
        ("kafka_dlt-original-topic", record.topic.encode()),
        ("kafka_dlt-original-partition", _INT32.pack(record.partition)),
        ("kafka_dlt-original-offset", _INT64.pack(record.offset)),
        ("kafka_dlt-original-timestamp", _INT64.pack(record.timestamp_ms)),
        ("kafka_dlt-original-consumer-group", office.group_id.encode()),
    )


def _earlier_origin(record: Record) -> tuple[Header, ...] | None:
    """What the first dead letter said, if all of it is there and legible: half of one place is none."""
    received = dict(record.headers)
    found = tuple((name, received.get(name) or b"") for name in _ORIGIN_SIZES)
    fits = all(len(raw) in sizes for (_, raw), sizes in zip(found, _ORIGIN_SIZES.values(), strict=True))
    return found if fits else None


def _reason(
    office: DeadLetterOffice, record: Record, error: JobError, attempt: int, now: datetime
) -> tuple[Header, ...]:
    message = error.message.encode()
    first_failure = (dict(record.headers).get(f"{_MIRROR_PREFIX}first-failure-at") or b"")[:_MAX_TIME_BYTES]
    origin = _earlier_origin(record) or _origin(office, record)
    return (
        *origin,
        ("kafka_dlt-exception-fqcn", f"{type(error).__module__}.{type(error).__qualname__}".encode()),
        ("kafka_dlt-exception-message", message),
        ("x-original-topic", dict(origin)["kafka_dlt-original-topic"]),
        ("x-steno-attempt", str(attempt).encode()),
        ("x-steno-error-code", error.code.encode()),
        ("x-steno-error-message", message),
        ("x-steno-first-failure-at", first_failure or now.isoformat(timespec="milliseconds").encode()),
        (_REPLAY_COUNT, str(replay_count(record)).encode()),
        ("x-steno-worker", office.worker.encode()),
    )
