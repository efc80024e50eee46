"""Which partitions wait, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiokafka import TopicPartition

from consumer.adapters.kafka.waits import Waits
from consumer.ports import Record
from tests.make import make_record
from tests.waiting import DEADLINE_S

NOW_S = 1_800_000_000.0
RETRY = "requests-retry-5000"
DELAYS_MS = {RETRY: 5000}


def record_due(in_ms: float, *, offset: int = 0, partition: int = 0, topic: str = RETRY) -> Record:
    due = (round(NOW_S * 1000 + in_ms)).to_bytes(8, "big")
    record = make_record(offset=offset, headers=(("retry_topic-backoff-timestamp", due),))
    return replace(record, topic=topic, partition=partition)


@pytest.fixture
def rung() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def waits(rung: asyncio.Event) -> Iterator[Waits]:
    made = Waits(DELAYS_MS, rung.set, clock=lambda: NOW_S)
    yield made
    made.forget()


async def test_a_record_that_is_not_due_has_its_partition_wait_and_no_other(waits: Waits) -> None:
    assert waits.holds(record_due(1000, partition=1))
    assert not waits.holds(record_due(0, partition=2))
    assert waits.partitions == {TopicPartition(RETRY, 1)}


async def test_requests_never_wait_whatever_their_headers_say(waits: Waits) -> None:
    assert not waits.holds(record_due(1000, topic="requests"))
    assert waits.partitions == frozenset()


async def test_it_rings_when_the_time_is_up_and_what_is_not_due_then_waits_on(
    waits: Waits, rung: asyncio.Event
) -> None:
    record = record_due(1)
    assert waits.holds(record)
    async with asyncio.timeout(DEADLINE_S):
        await rung.wait()
    assert waits.partitions == frozenset()
    assert waits.holds(record)  # the clock stands still


async def test_no_longer_than_the_delay_since_the_record_was_seen(rung: asyncio.Event) -> None:
    waits = Waits({RETRY: 5}, rung.set, clock=lambda: 0.0)
    record = record_due(0)
    async with asyncio.timeout(DEADLINE_S):
        while waits.holds(record):
            await rung.wait()
            rung.clear()
    assert waits.holds(replace(record, offset=1))
    waits.forget()


async def test_after_a_rebalance_nobody_waits_and_nothing_rings(waits: Waits) -> None:
    assert waits.holds(record_due(1000))
    waits.forget()
    assert waits.partitions == frozenset()
