"""Records for Spring and from it, with the plain clients and all of their headers."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumer.core.records import Header, Record

PARTITION: Final = 1
"""All stand there: Spring keeps a record's partition."""
_DEADLINE_S: Final = 30.0
_TIMESTAMP_TYPES: Final = ("CreateTime", "LogAppendTime")
_KEY: Final = b"call-4711"
_VALUE: Final = b'{"job_id": "call-4711", "input": {"uri": "s3://media/calls/4711.mp3"}}'
_HEADERS: Final[tuple[Header, ...]] = (
    ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tag", b"first"),
    ("tag", b"second"),
    ("raw", b"\xff\x00"),
    ("nothing", None),
)


async def send(bootstrap: str, topic: str, headers: tuple[Header, ...] = _HEADERS) -> Record:
    """Sends a request; the record that it became."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        done = await producer.send_and_wait(topic, _VALUE, _KEY, PARTITION, headers=list(headers))
    return Record(topic, PARTITION, done.offset, done.timestamp, _KEY, _VALUE, headers)


async def fetch(bootstrap: str, topic: str, count: int) -> list[Record]:
    """The topic's first records, once they are there."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer, asyncio.timeout(_DEADLINE_S):
        place = TopicPartition(topic, PARTITION)
        consumer.assign([place])
        consumer.seek(place, 0)
        return [await _next(consumer) for _ in range(count)]


async def _next(consumer: AIOKafkaConsumer) -> Record:
    got = await consumer.getone()
    return Record(
        got.topic, got.partition, got.offset, got.timestamp, got.key, got.value, tuple(got.headers),
        timestamp_type=_TIMESTAMP_TYPES[got.timestamp_type],
    )  # fmt: skip
