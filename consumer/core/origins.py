"""Where a record first stood, as headers tell it: Spring Kafka's two dialects, each read and each written.

Its dead letters say `kafka_dlt-original-*`, its retry topics `kafka_original-*`; the consumer group has one name in
both. Numbers are big-endian, text is UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consumer.core.records import Header, Record

INT32: Final = struct.Struct("!i")
INT64: Final = struct.Struct("!q")
ORIGINAL_TOPIC: Final = "x-original-topic"

_OWN_PREFIXES: Final = (
    "kafka_dlt-", "kafka_original-", "kafka_exception-", "kafka_key-exception-", "retry_topic-",
    "springDeserializerException", "x-steno-",
)  # fmt: skip
_OWN_NAMES: Final = frozenset((ORIGINAL_TOPIC, "kafka_deliveryAttempt"))
_GROUP: Final = "kafka_dlt-original-consumer-group"
_MAX_NAME_BYTES: Final = 249
"""Of a topic, as Kafka has it; a group's name and what else is told as text is held to it, too."""


class Dialect(StrEnum):
    """How Spring Kafka's names of an origin begin."""

    RETRY = "kafka_original-"
    DEAD_LETTER = "kafka_dlt-original-"


@dataclass(frozen=True, slots=True)
class Origin:
    """The place of a record before it was sent on for the first time."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: str
    """`CreateTime` or `LogAppendTime`, as Kafka calls them."""
    group: str
    """The consumer group that met the first failure."""

    def headers(self, dialect: Dialect) -> tuple[Header, ...]:
        """Spring Kafka's headers for it."""
        return (
            (f"{dialect}topic", self.topic.encode()),
            (f"{dialect}partition", INT32.pack(self.partition)),
            (f"{dialect}offset", INT64.pack(self.offset)),
            (f"{dialect}timestamp", INT64.pack(self.timestamp_ms)),
            (f"{dialect}timestamp-type", self.timestamp_type.encode()),
            (_GROUP, self.group.encode()),
        )


def origin_of(record: Record, group: str) -> Origin:
    """Where the record first stood: as an earlier hop or dead letter told it, or else here.

    Args:
        record: as it was received.
        group: who has it now; the first one where no header tells of another.
    """
    first = _firsts(record.headers)
    told = (_read(first, dialect, group) for dialect in Dialect)
    return next(filter(None, told), None) or _here(record, group)


def is_own(name: str) -> bool:
    """Whether a header tells of a failure and is written anew by each hop; all others travel as they came."""
    return name.startswith(_OWN_PREFIXES) or name in _OWN_NAMES


def foreign(headers: Iterable[Header]) -> tuple[Header, ...]:
    """What travels as it came, in its order."""
    return tuple(header for header in headers if not is_own(header[0]))


def _here(record: Record, group: str) -> Origin:
    return Origin(record.topic, record.partition, record.offset, record.timestamp_ms, record.timestamp_type, group)


def _firsts(headers: Iterable[Header]) -> dict[str, bytes]:
    """Spring's recoverer appends: the first value of several is the first place."""
    found: dict[str, bytes] = {}
    for name, raw in headers:
        found.setdefault(name, raw or b"")
    return found


def _read(found: dict[str, bytes], dialect: Dialect, group: str) -> Origin | None:
    """What one dialect says, if the whole place is there and legible: half of one is none."""
    topic = _text(found.get(f"{dialect}topic"))
    numbers = list(_numbers(found, dialect))
    if topic is None or None in numbers:
        return None
    partition, offset, timestamp_ms = (number or 0 for number in numbers)
    kind = _text(found.get(f"{dialect}timestamp-type"))
    return Origin(topic, partition, offset, timestamp_ms, kind or "CreateTime", _text(found.get(_GROUP)) or group)


def _numbers(found: dict[str, bytes], dialect: Dialect) -> Iterator[int | None]:
    for name, form in (("partition", INT32), ("offset", INT64), ("timestamp", INT64)):
        raw = found.get(f"{dialect}{name}") or b""
        yield form.unpack(raw)[0] if len(raw) == form.size else None


def _text(raw: bytes | None) -> str | None:
    """Short and legible text; None for anything else."""
    if not raw or len(raw) > _MAX_NAME_BYTES:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
