"""A consumer that stopped without a word is replaced, and no work in flight is lost or doubled by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from contracts.topics import retry_topic
from tests.stack.clients import make_topic
from tests.waiting import DEADLINE_S, until

LOOK_S = 0.1
"""So that a minute of looks takes little more than a second."""

HOUR_MS = 3_600_000

AFTER = [b"%d" % number for number in range(5)]


def source_of(kafka: str, topic: str, delays_ms: Mapping[str, int] | None = None) -> KafkaSource:
    return KafkaSource(SourceConfig(kafka, topic, topic, look_s=LOOK_S, delays_ms=delays_ms or {}))


def consumer_of(source: KafkaSource) -> Any:
    assert source._member is not None
    return source._member._consumer


def end_fetching(consumer: Any) -> None:
    consumer._fetcher._fetch_task.cancel()


def end_coordination(consumer: Any) -> None:
    consumer._coordinator._coordination_task.cancel()


def refuse_the_poll(consumer: Any) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise TypeError("a defect of the client")

    consumer.getmany = refuse


def hang_the_poll(consumer: Any) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    consumer.getmany = hang


async def put(kafka: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


@pytest.mark.parametrize("sabotage", [end_fetching, end_coordination, refuse_the_poll, hang_the_poll])
async def test_a_consumer_that_stopped_is_replaced_and_work_in_flight_stays_ours(
    kafka: str, topic_name: str, sabotage: Callable[[Any], None]
) -> None:
    await make_topic(kafka, topic_name, partitions=1)
    async with source_of(kafka, topic_name) as source, asyncio.timeout(2 * DEADLINE_S):
        await put(kafka, topic_name, b"in flight")
        held = await source.receive()
        broken = consumer_of(source)
        sabotage(broken)
        # The fetch under way may still bring the first of them.
        await put(kafka, topic_name, *AFTER)
        behind = [await source.receive() for _ in AFTER]

        assert [delivery.record.value for delivery in behind] == AFTER
        assert consumer_of(source) is not broken
        for delivery in (*behind, held):
            source.settle(delivery)
        await source.flush()
        (partition,) = consumer_of(source).assignment()
        assert await consumer_of(source).committed(partition) == 1 + len(AFTER)
        await until(lambda: source.is_ready, "it is ready again")


async def test_a_source_that_closes_while_its_consumer_is_replaced_leaves_no_connection(
    kafka: str, topic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_topic(kafka, topic_name, partitions=1)
    is_leaving, may_leave = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(DEADLINE_S):
        async with source_of(kafka, topic_name) as source:
            await until(lambda: source.is_ready, "it is ready")
            broken = consumer_of(source)
            stop = broken.stop

            async def stop_slowly() -> None:
                is_leaving.set()
                await may_leave.wait()
                await stop()

            monkeypatch.setattr(broken, "stop", stop_slowly)
            refuse_the_poll(broken)
            await is_leaving.wait()
            asyncio.get_running_loop().call_later(0.5, may_leave.set)
        assert not any(connection.connected() for connection in broken._client._conns.values())


async def test_an_idle_reader_behind_an_aborted_transaction_is_left_alone(kafka: str, topic_name: str) -> None:
    await make_topic(kafka, topic_name, partitions=1)
    async with source_of(kafka, topic_name) as source, asyncio.timeout(DEADLINE_S):
        await put(kafka, topic_name, b"first")
        source.settle(await source.receive())
        async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=topic_name) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic_name, b"aborted", partition=0)
            await producer.abort_transaction()
        await assert_left_alone(source)


async def test_a_reader_that_back_pressure_holds_still_is_left_alone(kafka: str, topic_name: str) -> None:
    await make_topic(kafka, topic_name, partitions=1)
    async with source_of(kafka, topic_name) as source, asyncio.timeout(DEADLINE_S):
        await put(kafka, topic_name, *(b"%d" % number for number in range(9)))
        await source.receive()
        await assert_left_alone(source)


async def test_a_partition_that_waits_until_its_record_is_due_is_left_alone(kafka: str, topic_name: str) -> None:
    retries = retry_topic(topic_name, HOUR_MS)
    for topic in (topic_name, retries):
        await make_topic(kafka, topic, partitions=1)
    async with source_of(kafka, topic_name, {retries: HOUR_MS}) as source, asyncio.timeout(DEADLINE_S):
        await until(lambda: source.is_ready, "it is ready")
        await put(kafka, retries, b"not yet")
        await put(kafka, topic_name, b"request")
        await source.receive()
        await assert_left_alone(source)
        assert {partition.topic for partition in consumer_of(source).paused()} == {retries}


async def assert_left_alone(source: KafkaSource) -> None:
    """Watches for three times as many looks as a verdict takes."""
    consumer = consumer_of(source)
    with capture_logs() as lines:
        await asyncio.sleep(36 * LOOK_S)
    assert consumer_of(source) is consumer
    assert [line for line in lines if line["event"] == "consumer_rebuilt"] == []
