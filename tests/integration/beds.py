"""What the conformance suites of source and sink need from a broker, in memory and real."""

from __future__ import annotations

from typing import Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.ports import Header, Sink, Source
from contracts.topics import retry_topic
from tests.fakes.broker import FakeBroker
from tests.fakes.sink import FakeSink
from tests.fakes.source import FakeSource

DELAY_MS = 2_000


class Bed(Protocol):
    """A broker with a requests and a retry topic of two partitions each, and one group."""

    topic: str
    retry: str
    """Its records wait for `DELAY_MS`, or until they say."""
    session_ms: int
    """So short that a member which stops polling or beating is thrown out within a test."""

    def source(self) -> Source:
        """A new member of the group."""
        ...

    def sink(self) -> Sink: ...

    async def put(self, *values: bytes, partition: int = 0) -> None:
        """Publishes to one partition, in order."""
        ...

    async def put_off(self, *values: bytes, due: float, partition: int = 0) -> None:
        """Publishes to a partition of the retry topic; due is in seconds since 1970."""
        ...

    async def committed(self, partition: int = 0) -> int:
        """The group's offset in the requests topic; 0 when there is none."""
        ...


class FakeBed:
    """In memory."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.retry = retry_topic(topic, DELAY_MS)
        self.session_ms = 1_500
        self._broker = FakeBroker()
        for name in (self.topic, self.retry):
            self._broker.make_topic(name, partitions=2)

    def source(self) -> Source:
        return FakeSource(self._broker, self.topic, delays_ms={self.retry: DELAY_MS})

    def sink(self) -> Sink:
        return FakeSink(self._broker)

    async def put(self, *values: bytes, partition: int = 0) -> None:
        for value in values:
            self._broker.append(self.topic, None, value, partition=partition)

    async def put_off(self, *values: bytes, due: float, partition: int = 0) -> None:
        for value in values:
            self._broker.append(self.retry, None, value, _due(due), partition=partition)

    async def committed(self, partition: int = 0) -> int:
        return self._broker.groups["group"].committed.get((self.topic, partition), 0)


class KafkaBed:
    """A real broker."""

    def __init__(self, bootstrap: str, topic: str, session_ms: int) -> None:
        self.topic = topic
        self.session_ms = session_ms
        self.retry = retry_topic(topic, DELAY_MS)
        self._bootstrap = bootstrap
        self._group = f"{topic}-workers"

    def source(self) -> Source:
        return KafkaSource(
            SourceConfig(
                self._bootstrap,
                self._group,
                self.topic,
                session_timeout_ms=self.session_ms,
                heartbeat_interval_ms=300,
                rebalance_timeout_ms=10_000,
                max_poll_interval_ms=self.session_ms,
                delays_ms={self.retry: DELAY_MS},
            )
        )

    def sink(self) -> Sink:
        return KafkaSink(SinkConfig(self._bootstrap))

    async def put(self, *values: bytes, partition: int = 0) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            for value in values:
                await producer.send_and_wait(self.topic, value, partition=partition)

    async def put_off(self, *values: bytes, due: float, partition: int = 0) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            for value in values:
                await producer.send_and_wait(self.retry, value, partition=partition, headers=list(_due(due)))

    async def committed(self, partition: int = 0) -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            offsets = await admin.list_consumer_group_offsets(self._group)
        finally:
            await admin.close()
        found = offsets.get(TopicPartition(self.topic, partition))
        return 0 if found is None else max(0, found.offset)


def _due(due: float) -> tuple[Header, ...]:
    """As Spring Kafka says it."""
    return (("retry_topic-backoff-timestamp", round(due * 1000).to_bytes(8, "big")),)
