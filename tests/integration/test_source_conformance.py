"""What every source promises, on the fake and on real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from consumer.ports import Delivery, Source
from tests.integration.beds import SESSION_MS, Bed, FakeBed, KafkaBed
from tests.waiting import DEADLINE_S, until

_QUIET_S = 0.3
"""How long nothing must come before we believe that nothing comes."""


@pytest.fixture(params=["fake", "kafka"])
def bed(request: pytest.FixtureRequest, topic_name: str) -> Bed:
    if request.param == "fake":
        return FakeBed(topic_name)
    return KafkaBed(request.getfixturevalue("kafka"), request.getfixturevalue("topic_with_retries"))


async def receive(source: Source, count: int) -> list[Delivery]:
    async with asyncio.timeout(DEADLINE_S):
        return [await source.receive() for _ in range(count)]


async def receive_one(source: Source) -> Delivery:
    return (await receive(source, 1))[0]


async def assert_quiet(source: Source) -> None:
    receiving = asyncio.create_task(source.receive())
    delivered, _ = await asyncio.wait({receiving}, timeout=_QUIET_S)
    receiving.cancel()
    assert not delivered, receiving.result()


async def assert_committed(bed: Bed, offset: int, partition: int = 0) -> None:
    async def is_there() -> bool:
        return await bed.committed(partition) == offset

    await until(is_there, f"partition {partition} committed at {offset}")


def values(deliveries: Sequence[Delivery]) -> list[bytes | None]:
    return [delivery.record.value for delivery in deliveries]


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


async def test_a_long_job_keeps_its_membership(bed: Bed) -> None:
    await bed.put(b"a", b"b", b"c", b"d")
    async with bed.source() as source:
        first = await receive_one(source)
        # Nobody receives, everything is paused, for longer than session and poll interval together.
        await asyncio.sleep(2.5 * SESSION_MS / 1000)
        source.settle(first)
        await source.flush()
        assert await bed.committed() == 1
        assert values(await receive(source, 3)) == [b"b", b"c", b"d"]
        await assert_quiet(source)


async def test_two_members_share_the_partitions(bed: Bed) -> None:
    async with bed.source() as one, bed.source() as two:
        await bed.put(b"a", partition=0)
        await bed.put(b"b", partition=1)
        got = await asyncio.gather(receive_one(one), receive_one(two))
        assert {delivery.record.value for delivery in got} == {b"a", b"b"}
        await asyncio.gather(assert_quiet(one), assert_quiet(two))


async def test_a_rebalance_keeps_work_in_flight_of_the_partition_that_stays(bed: Bed) -> None:
    await bed.put(b"a0", partition=0)
    await bed.put(b"a1", partition=1)
    async with bed.source() as one:
        held = {delivery.record.partition: delivery for delivery in await receive(one, 2)}
        async with bed.source() as two:
            moved = await receive_one(two)
            lost, kept = moved.record.partition, 1 - moved.record.partition
            one.settle(held[kept])
            await assert_committed(bed, 1, kept)
            await assert_quiet(one)

            one.settle(held[lost])
            await one.flush()
            assert await bed.committed(lost) == 0


async def test_late_work_of_a_lost_partition_moves_nothing_back(bed: Bed) -> None:
    await bed.put(b"a0", b"b0", b"c0", partition=0)
    await bed.put(b"a1", b"b1", b"c1", partition=1)
    async with bed.source() as one:
        held = await receive(one, 6)
        async with bed.source() as two:
            for delivery in (moved := await receive(two, 3)):
                two.settle(delivery)
            lost = moved[0].record.partition
            await assert_committed(bed, 3, lost)
            for delivery in held[:3]:
                one.settle(delivery)
            await one.flush()
        # The partition is back, under a new claim.
        for delivery in held:
            one.settle(delivery)
        await assert_committed(bed, 3, 1 - lost)
        assert await bed.committed(lost) == 3
        await bed.put(b"d", partition=lost)
        assert (await receive_one(one)).record.value == b"d"
        await assert_quiet(one)


async def test_work_left_behind_goes_to_the_member_that_stays(bed: Bed) -> None:
    async with bed.source() as one:
        async with bed.source() as two:
            await bed.put(b"a", partition=0)
            await bed.put(b"b", partition=1)
            (mine,) = await receive(one, 1)
            (theirs,) = await receive(two, 1)
        again = await receive_one(one)
        assert again.record == theirs.record
        one.settle(again)
        one.settle(mine)
        await one.flush()
        assert (await bed.committed(0), await bed.committed(1)) == (1, 1)


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
