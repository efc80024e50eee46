"""What every source promises of records that are not due yet, on the fake and on real Kafka."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaProducer

from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.ports import Delivery, Source
from contracts.topics import retry_topic
from tests.integration.beds import DELAY_MS, Bed
from tests.integration.receiving import QUIET_S, assert_quiet
from tests.stack.clients import make_topic
from tests.waiting import DEADLINE_S, until

_LATE_S = 1.0
"""A poll."""
_SOON_S = 0.6
_FAR_S = 3600.0


async def test_what_waits_in_a_retry_topic_of_earlier_delays_is_still_delivered(kafka: str, topic: str) -> None:
    earlier = await make_topic(kafka, retry_topic(topic, 700), partitions=1)
    async with KafkaSource(SourceConfig(kafka, topic, topic)) as source:
        await until(lambda: source.is_ready, "the source is ready")
        sent = time.time()
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            await producer.send_and_wait(earlier, b"a")
        delivery, came = await receive(source)

    assert (delivery.record.topic, delivery.record.value) == (earlier, b"a")
    assert 0.69 <= came - sent < 0.7 + _LATE_S


async def receive(source: Source) -> tuple[Delivery, float]:
    """The next delivery, and when it came, in seconds since 1970."""
    async with asyncio.timeout(DEADLINE_S):
        delivery = await source.receive()
    return delivery, time.time()


async def test_a_record_comes_when_it_is_due_and_not_before(bed: Bed) -> None:
    async with bed.source() as source:
        await until(lambda: source.is_ready, "the source is ready")
        due = time.time() + _SOON_S
        await bed.put_off(b"a", due=due)
        delivery, came = await receive(source)

    assert (delivery.record.topic, delivery.record.value) == (bed.retry, b"a")
    assert 0 <= came - due < _LATE_S


async def test_a_record_that_is_due_comes_at_once(bed: Bed) -> None:
    await bed.put_off(b"a", due=time.time() - _FAR_S)
    async with bed.source() as source:
        assert (await receive(source))[0].record.value == b"a"


async def test_records_of_one_partition_come_each_at_its_time(bed: Bed) -> None:
    dues = [time.time() + _SOON_S, time.time() + 1.5 * _SOON_S]
    for number, due in enumerate(dues):
        await bed.put_off(b"%d" % number, due=due)
    async with bed.source() as source:
        for number, due in enumerate(dues):
            delivery, came = await receive(source)
            assert (delivery.record.value, came >= due) == (b"%d" % number, True)


async def test_who_waits_holds_up_neither_requests_nor_other_partitions(bed: Bed) -> None:
    async with bed.source() as source:
        await bed.put_off(b"later", due=time.time() + _SOON_S, partition=0)
        await bed.put_off(b"due", due=time.time(), partition=1)
        await bed.put(b"request", partition=0)
        got = [await receive(source) for _ in range(3)]
    values = [delivery.record.value for delivery, _ in got]
    assert (set(values[:2]), values[2]) == ({b"due", b"request"}, b"later")


async def test_a_due_time_beyond_the_topics_delay_is_not_believed(bed: Bed) -> None:
    async with bed.source() as source:
        began = time.time()
        await bed.put_off(b"a", due=began + _FAR_S)
        _, came = await receive(source)
    assert came - began >= DELAY_MS / 1000


async def test_a_record_that_waits_is_not_committed_past_and_goes_to_the_next_session(bed: Bed) -> None:
    due = time.time() + 2 * _SOON_S
    await bed.put_off(b"first", due=time.time())
    await bed.put_off(b"waits", due=due)
    async with bed.source() as source:
        source.settle((await receive(source))[0])
        await assert_quiet(source)
    async with bed.source() as source:
        delivery, came = await receive(source)
        assert (delivery.record.value, came >= due) == (b"waits", True)
        source.settle(delivery)
        await assert_quiet(source)
    async with bed.source() as source:
        await assert_quiet(source)


async def test_a_rebalance_neither_loses_nor_doubles_nor_hastens_who_waits(bed: Bed) -> None:
    async with bed.source() as one:
        await until(lambda: one.is_ready, "one is ready")
        due = time.time() + 3 * _SOON_S
        for partition in (0, 1):
            await bed.put_off(b"%d" % partition, due=due, partition=partition)
        await assert_quiet(one)
        async with bed.source() as two:
            got = await asyncio.gather(receive(one), receive(two))
            assert sorted(delivery.record.value or b"" for delivery, _ in got) == [b"0", b"1"]
            assert all(came >= due for _, came in got)
            for source, (delivery, _) in zip((one, two), got, strict=True):
                source.settle(delivery)
            await asyncio.gather(assert_quiet(one), assert_quiet(two))


async def test_after_stop_intake_nothing_becomes_due(bed: Bed) -> None:
    async with bed.source() as source:
        await bed.put_off(b"a", due=time.time() + QUIET_S / 3)
        source.stop_intake()
        await assert_quiet(source)


@pytest.mark.parametrize("backlog_is_of_retries", [True, False])
async def test_no_backlog_of_one_topic_holds_up_another(bed: Bed, *, backlog_is_of_retries: bool) -> None:
    backlog = [b"backlog"] * 60
    due = time.time()
    await (bed.put_off(*backlog, due=due) if backlog_is_of_retries else bed.put(*backlog))
    await (bed.put(b"other") if backlog_is_of_retries else bed.put_off(b"other", due=due))
    async with bed.source() as source:
        values = [(await receive(source))[0].record.value for _ in range(30)]
    assert b"other" in values


async def test_no_backlog_of_one_partition_holds_up_another(bed: Bed) -> None:
    await bed.put(*[b"backlog"] * 60, partition=0)
    await bed.put(b"other", partition=1)
    async with bed.source() as source:
        values = [(await receive(source))[0].record.value for _ in range(30)]
    assert b"other" in values
