"""Reading topics at places on a real broker: always to the end that was, never beyond, never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from consumer.adapters.kafka.browser import TopicBrowser, TopicExtent
from consumer.core.failures import ExitCode, FatalError
from contracts.broker import OPEN
from tests.stack.clients import make_topic, remove_topic
from tests.stack.service import free_ports
from tests.waiting import until


@pytest.fixture
async def browser(kafka: str) -> AsyncIterator[TopicBrowser]:
    async with TopicBrowser(kafka, OPEN) as opened:
        yield opened


async def publish(kafka: str, topic: str, *values: bytes, partition: int = 0) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=partition)


@asynccontextmanager
async def transaction(kafka: str, topic: str, value: bytes) -> AsyncIterator[AIOKafkaProducer]:
    """An open one with a record in it; whoever holds it ends it."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=topic) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, value, partition=0)
        yield producer


async def read(browser: TopicBrowser, extent: TopicExtent, partition: int = 0) -> list[bytes | None]:
    async with asyncio.timeout(20):
        return [record.value async for record in browser.records(extent.topic, partition, extent.partitions[partition])]


async def test_what_comes_later_is_left_out(kafka: str, topic: str, browser: TopicBrowser) -> None:
    await publish(kafka, topic, b"a", b"b")
    extent = await browser.extent(topic)
    await publish(kafka, topic, b"late")
    assert await read(browser, extent) == [b"a", b"b"]
    assert await read(browser, extent) == [b"a", b"b"]
    assert (await browser.extent(topic)).partitions == {0: range(3), 1: range(0)}


async def test_a_partition_without_records_has_an_end_too(browser: TopicBrowser, topic: str) -> None:
    assert await read(browser, await browser.extent(topic), 1) == []


async def test_what_was_never_committed_is_not_read_and_holds_nothing_up(
    kafka: str, topic: str, browser: TopicBrowser
) -> None:
    await publish(kafka, topic, b"before")
    async with transaction(kafka, topic, b"aborted") as producer:
        during = await browser.extent(topic)
        assert await read(browser, during) == [b"before"]
        await producer.abort_transaction()
        await until(_grows(browser, topic, 3), "the mark of the end is there")
    assert await read(browser, await browser.extent(topic)) == [b"before"]
    async with transaction(kafka, topic, b"committed") as producer:
        await producer.commit_transaction()
    await until(_grows(browser, topic, 5), "likewise")
    assert await read(browser, await browser.extent(topic)) == [b"before", b"committed"]


def _grows(browser: TopicBrowser, topic: str, size: int) -> Callable[[], Awaitable[bool]]:
    async def has_grown() -> bool:
        return len((await browser.extent(topic)).partitions[0]) >= size

    return has_grown


async def test_records_that_retention_took_meanwhile_are_passed_over(
    kafka: str, topic: str, browser: TopicBrowser
) -> None:
    await publish(kafka, topic, *(str(number).encode() for number in range(6)))
    extent = await browser.extent(topic)
    await _delete_before(kafka, topic, 4)
    assert await read(browser, extent) == [b"4", b"5"]
    await _delete_before(kafka, topic, 6)
    assert await read(browser, extent) == []
    assert (await browser.extent(topic)).partitions[0] == range(6, 6)


async def _delete_before(kafka: str, topic: str, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_a_topic_made_anew_has_another_id(kafka: str, topic: str, browser: TopicBrowser) -> None:
    first = (await browser.extent(topic)).topic_id
    await remove_topic(kafka, topic)
    await make_topic(kafka, topic, partitions=1)
    second = (await browser.extent(topic)).topic_id
    assert first is not None
    assert second not in {None, first}


async def test_one_record_is_found_where_it_stands(kafka: str, topic: str, browser: TopicBrowser) -> None:
    await publish(kafka, topic, b"a", b"b")
    extent = await browser.extent(topic)
    found = await browser.record_at(extent, 0, 1)
    assert found is not None
    assert found.value == b"b"
    assert await browser.record_at(extent, 0, 2) is None
    assert await browser.record_at(extent, 7, 0) is None


async def test_times_are_looked_up(kafka: str, topic: str, browser: TopicBrowser) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for at_ms in (1_000, 2_000, 3_000):
            await producer.send_and_wait(topic, b"", partition=0, timestamp_ms=at_ms)
    assert [await browser.first_since(topic, 0, at_ms) for at_ms in (-5, 2_000, 2_001, 9_000)] == [0, 1, 2, None]


async def test_no_broker_and_no_topic_are_one_clear_line_each(topic_name: str, browser: TopicBrowser) -> None:
    with pytest.raises(FatalError, match=topic_name) as caught:
        await browser.extent(topic_name)
    assert caught.value.exit_code is ExitCode.TOPICS_MISSING
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(FatalError, match=f"no Kafka broker answers at {address}"):
        async with TopicBrowser(address, OPEN):
            pass
