"""What the conformance suites of source and sink need from a broker, in memory and real."""

from __future__ import annotations

from typing import Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.ports import Sink, Source
from tests.fakes.broker import FakeBroker
from tests.fakes.sink import FakeSink
from tests.fakes.source import FakeSource

SESSION_MS = 1_500
"""So short that a member which stops polling or beating is thrown out within a test."""


class Bed(Protocol):
    """A broker with one topic of two partitions and one group."""

    topic: str

    def source(self) -> Source:
        """A new member of the group."""
        ...

    def sink(self) -> Sink: ...

    async def put(self, *values: bytes, partition: int = 0) -> None:
        """Publishes to one partition, in order."""
        ...

    async def committed(self, partition: int = 0) -> int:
        """The group's offset; 0 when there is none."""
        ...


class FakeBed:
    """In memory."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._broker = FakeBroker()
        self._broker.make_topic(topic, partitions=2)

    def source(self) -> Source:
        return FakeSource(self._broker, self.topic)

    def sink(self) -> Sink:
        return FakeSink(self._broker)

    async def put(self, *values: bytes, partition: int = 0) -> None:
        for value in values:
            self._broker.append(self.topic, None, value, partition=partition)

    async def committed(self, partition: int = 0) -> int:
        return self._broker.groups["group"].committed.get((self.topic, partition), 0)


class KafkaBed:
    """A real broker."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self._bootstrap = bootstrap
        self._group = f"{topic}-workers"

    def source(self) -> Source:
        return KafkaSource(
            SourceConfig(
                self._bootstrap,
                self._group,
                self.topic,
                session_timeout_ms=SESSION_MS,
                heartbeat_interval_ms=300,
                rebalance_timeout_ms=10_000,
                max_poll_interval_ms=SESSION_MS,
            )
        )

    def sink(self) -> Sink:
        return KafkaSink(SinkConfig(self._bootstrap))

    async def put(self, *values: bytes, partition: int = 0) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            for value in values:
                await producer.send_and_wait(self.topic, value, partition=partition)

    async def committed(self, partition: int = 0) -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            offsets = await admin.list_consumer_group_offsets(self._group)
        finally:
            await admin.close()
        found = offsets.get(TopicPartition(self.topic, partition))
        return 0 if found is None else max(0, found.offset)
