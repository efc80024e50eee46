"""Dead letters: the original record whole, and why, under Spring Kafka's header names and a readable mirror."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from consumer.core.failures import JobError
from consumer.core.hops import ATTEMPTS, ORIGINAL_TIMESTAMP, Sender, failure, mirror, replay_count
from consumer.core.origins import INT32, INT64, Dialect, foreign, is_own, origin_of
from consumer.core.records import Header, OutboundRecord, Record

__all__ = ["DeadLetterOffice", "dead_letter", "replay_count", "truncated_dead_letter"]


@dataclass(frozen=True, slots=True)
class DeadLetterOffice:
    """Where dead letters go and who sends them."""

    topic: str
    group_id: str
    worker: str

    @property
    def sender(self) -> Sender:
        """Who sends them."""
        return Sender(self.group_id, self.worker)


def dead_letter(
    office: DeadLetterOffice, record: Record, error: JobError, *, attempt: int, now: datetime
) -> OutboundRecord:
    """The record's own key, value and headers, then the reason.

    Of what retry hops and an earlier stay on a dead-letter topic left, where the record first stood and when it first
    failed are kept, and the reason is replaced; the list that was received is not edited.
    A record with neither key nor value gets an empty key, because the broker would take it for nothing at all.
    """
    key = b"" if record.key is None and record.value is None else record.key
    headers = foreign(record.headers) + _reason(office, record, error, attempt, now)
    return OutboundRecord(office.topic, key, record.value, headers)


def truncated_dead_letter(letter: OutboundRecord, record: Record) -> OutboundRecord:
    """The same dead letter without its value and foreign headers, for a broker that refuses its size.

    Where the value stands is in the headers: topic/partition/offset, beside where it first stood.
    """
    reason = tuple(header for header in letter.headers if is_own(header[0]))
    cut = (
        ("x-steno-truncated", str(len(record.value or b"")).encode()),
        ("x-steno-truncated-at", f"{record.topic}/{record.partition}/{record.offset}".encode()),
    )
    return OutboundRecord(letter.topic, (letter.key or b"")[:256], None, (*reason, *cut))


def _reason(
    office: DeadLetterOffice, record: Record, error: JobError, attempt: int, now: datetime
) -> tuple[Header, ...]:
    origin = origin_of(record, office.group_id)
    return (
        *origin.headers(Dialect.DEAD_LETTER),
        *failure("kafka_dlt-exception-", error),
        # Spring counts this topic's delivery, too: one more than there were attempts.
        (ATTEMPTS, INT32.pack(attempt + 1)),
        (ORIGINAL_TIMESTAMP, INT64.pack(origin.timestamp_ms)),
        *mirror(record, error, origin.topic, attempt, now=now),
        ("x-steno-worker", office.worker.encode()),
    )
