"""The adapters on librdkafka's mock cluster, the broker of the embedded stack."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import Producer

from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.adapters.kafka.topics import require_topics
from consumer.core.failures import FatalError
from consumer.ports import OutboundRecord
from tests.waiting import DEADLINE_S

_TOPIC = "requests"


async def test_start_check_source_and_sink_work_on_the_mock_cluster() -> None:
    owner = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": "1", "log_level": 0})
    owner.list_topics(_TOPIC, timeout=DEADLINE_S)
    (broker,) = owner.list_topics(timeout=DEADLINE_S).brokers.values()
    address = f"{broker.host}:{broker.port}"
    with pytest.raises(FatalError, match="missing"):
        await require_topics(address, {"another": Right.READ})
    async with (
        asyncio.timeout(DEADLINE_S),
        KafkaSink(SinkConfig(address)) as sink,
        KafkaSource(SourceConfig(address, "group", _TOPIC)) as source,
    ):
        await sink.publish(OutboundRecord(_TOPIC, b"key", b"first", (("a", b"1"), ("none", None))))
        first = await source.receive()
        assert first.record.headers == (("a", b"1"), ("none", None))
        source.settle(first)
        await source.flush()
        await sink.publish(OutboundRecord(_TOPIC, b"key", b"second"))
        assert (await source.receive()).record.value == b"second"
