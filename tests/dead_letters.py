"""Records as they stand on dead-letter topics: steno's, Spring's recoverer's, Spring's retry topics', and others."""

from __future__ import annotations

import json
import struct
from typing import Any, Final

from consumer.core.deadletters import DeadLetterOffice, dead_letter, truncated_dead_letter
from consumer.core.failures import PermanentError, TransientError
from consumer.core.records import Header, OutboundRecord, Record
from contracts.errors import VERDICTS, ErrorCode, Verdict
from tests.make import NOW

DLT: Final = "requests-dlt"
CODES: Final = (
    ErrorCode.MEDIA_CORRUPT, ErrorCode.MEDIA_NO_AUDIO, ErrorCode.INPUT_FORBIDDEN, ErrorCode.REQUEST_INVALID,
    ErrorCode.INPUT_NOT_FOUND, ErrorCode.ENGINE_CRASHED, ErrorCode.INTERNAL,
)  # fmt: skip
"""Seven, of both verdicts that end on a dead-letter topic."""


def make_value(job_id: str = "call-4711", **fields: Any) -> bytes:
    """A request."""
    return json.dumps({"job_id": job_id, "input": {"uri": f"s3://media/{job_id}.mp3"}, **fields}).encode()


def ours(
    record: Record, code: ErrorCode = ErrorCode.MEDIA_CORRUPT, message: str = "it breaks off", *, attempt: int = 1,
    topic: str = DLT,
) -> OutboundRecord:  # fmt: skip
    """As a worker sets it aside."""
    kind = PermanentError if VERDICTS[code] is Verdict.PERMANENT else TransientError
    return dead_letter(_office(topic), record, kind(code, message), attempt=attempt, now=NOW)


def ours_cut(record: Record, *, topic: str = DLT) -> OutboundRecord:
    """As a worker sets aside what is too large for the topic."""
    return truncated_dead_letter(ours(record, topic=topic), record)


def springs_recoverers(record: Record, *, topic: str = DLT) -> OutboundRecord:
    """As `DeadLetterPublishingRecoverer` writes it by itself."""
    return OutboundRecord(topic, record.key, record.value, (*record.headers, *_spring("kafka_dlt-", record)))


def springs_retry_topics(record: Record, *, attempts: int = 4, topic: str = DLT) -> OutboundRecord:
    """As it is written at the end of Spring's retry topics."""
    hops = (
        ("retry_topic-attempts", struct.pack(">i", attempts)),
        ("retry_topic-original-timestamp", struct.pack(">q", record.timestamp_ms)[2:]),
        ("retry_topic-backoff-timestamp", struct.pack(">q", record.timestamp_ms)[2:]),
    )
    return OutboundRecord(topic, record.key, record.value, (*record.headers, *_spring("kafka_", record), *hops))


def standing_at(letter: OutboundRecord, offset: int = 7, *, partition: int = 2) -> Record:
    """The record as the broker delivers it from the dead-letter topic."""
    return Record(letter.topic, partition, offset, 1_700_000_000_123, letter.key, letter.value, letter.headers)


def _office(topic: str) -> DeadLetterOffice:
    return DeadLetterOffice(topic, "workers", "gpu-3")


def _spring(dialect: str, record: Record) -> tuple[Header, ...]:
    return (
        (f"{dialect}original-topic", record.topic.encode()),
        (f"{dialect}original-partition", struct.pack(">i", record.partition)),
        (f"{dialect}original-offset", struct.pack(">q", record.offset)),
        (f"{dialect}original-timestamp", struct.pack(">q", record.timestamp_ms)),
        (f"{dialect}original-timestamp-type", b"CreateTime"),
        (f"{dialect}original-consumer-group", b"acme"),
        (f"{dialect}exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
        (f"{dialect}exception-cause-fqcn", b"com.acme.BadMediaException"),
        (f"{dialect}exception-message", b"Listener failed; bad media"),
        (f"{dialect}exception-stacktrace", b"com.acme.BadMediaException: bad media\n\tat com.acme.Main"),
    )
