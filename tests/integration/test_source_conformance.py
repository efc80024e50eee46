"""What every source promises of a record, from its delivery to its settlement, on the fake and on real Kafka."""

from __future__ import annotations

import asyncio

from consumer.ports import Delivery
from tests.integration.beds import Bed
from tests.integration.receiving import assert_committed, assert_quiet, receive, receive_one, values
from tests.waiting import DEADLINE_S, until


async def test_a_partition_is_delivered_in_order(bed: Bed) -> None:
    expected = [b"%d" % number for number in range(20)]
    await bed.put(*expected)
    async with bed.source() as source:
        assert values(await receive(source, 20)) == expected


async def test_records_that_come_later_are_delivered(bed: Bed) -> None:
    async with bed.source() as source:
        waiting = asyncio.create_task(receive_one(source))
        await bed.put(b"late")
        assert (await waiting).record.value == b"late"


async def test_a_source_becomes_ready(bed: Bed) -> None:
    async with bed.source() as source:
        await until(lambda: source.is_ready, "the source is ready")
        assert source.is_ready


async def test_what_was_settled_does_not_come_again(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        for delivery in await receive(source, 2):
            source.settle(delivery)
        await source.flush()
        assert await bed.committed() == 2
    async with bed.source() as source:
        await assert_quiet(source)


async def test_closing_commits_what_was_settled(bed: Bed) -> None:
    await bed.put(b"a")
    async with bed.source() as source:
        source.settle(await receive_one(source))
    assert await bed.committed() == 1


async def test_a_settlement_is_committed_without_a_flush(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        source.settle(await receive_one(source))
        await assert_committed(bed, 1)


async def test_gap_holds_the_commit_back(bed: Bed) -> None:
    await bed.put(b"a", b"b", b"c")
    async with bed.source() as source:
        first, _, third = await receive(source, 3)
        source.settle(third)
        source.settle(first)
        await source.flush()
        assert await bed.committed() == 1
    async with bed.source() as source:
        assert values(await receive(source, 2)) == [b"b", b"c"]


async def test_closing_a_gap_commits_past_it(bed: Bed) -> None:
    await bed.put(b"a", b"b", b"c")
    async with bed.source() as source:
        for delivery in reversed(await receive(source, 3)):
            source.settle(delivery)
        await source.flush()
    assert await bed.committed() == 3


async def test_a_repeated_settlement_does_nothing(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        first = await receive_one(source)
        source.settle(first)
        source.settle(first)
        source.release(first)
        await source.flush()
        assert await bed.committed() == 1
        assert (await receive_one(source)).record.value == b"b"
        await assert_quiet(source)


async def test_a_released_delivery_comes_again(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        first, second = await receive(source, 2)
        source.settle(second)
        source.release(first)
        again = await receive_one(source)
        assert again.record == first.record
        source.settle(again)
        await source.flush()
        assert await bed.committed() == 2


async def test_a_released_delivery_goes_to_the_next_session(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        first, second = await receive(source, 2)
        source.stop_intake()
        source.release(first)
        source.settle(second)
        await assert_quiet(source)
    async with bed.source() as source:
        assert values(await receive(source, 2)) == [b"a", b"b"]


async def test_after_stop_intake_nothing_is_delivered_and_settlements_count(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        first = await receive_one(source)
        source.stop_intake()
        await bed.put(b"c")
        await assert_quiet(source)
        source.settle(first)
        await source.flush()
        assert await bed.committed() == 1


async def test_a_cancelled_receive_loses_nothing(bed: Bed) -> None:
    expected = [b"%d" % number for number in range(30)]
    async with bed.source() as source:
        putting = asyncio.create_task(bed.put(*expected))
        got: list[Delivery] = []
        async with asyncio.timeout(DEADLINE_S):
            while len(got) < len(expected):
                receiving = asyncio.create_task(source.receive())
                await asyncio.sleep(0)
                receiving.cancel()
                await asyncio.wait({receiving})
                got += [] if receiving.cancelled() else [receiving.result()]
                await asyncio.sleep(0.001)
        await putting
    assert values(got) == expected


async def test_a_delivery_is_held_until_it_is_settled_or_released(bed: Bed) -> None:
    await bed.put(b"a", b"b")
    async with bed.source() as source:
        first, second = await receive(source, 2)
        assert source.holds(first)
        assert source.holds(second)
        source.settle(first)
        source.stop_intake()
        source.release(second)
        assert not source.holds(first)
        assert not source.holds(second)
