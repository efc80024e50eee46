"""What every source promises its group as members come, go and are slow, on the fake and on real Kafka."""

from __future__ import annotations

import asyncio

from tests.integration.beds import Bed
from tests.integration.receiving import assert_committed, assert_quiet, receive, receive_one, values


async def test_a_long_job_keeps_its_membership(bed: Bed) -> None:
    await bed.put(b"a", b"b", b"c", b"d")
    async with bed.source() as source:
        first = await receive_one(source)
        # Nobody receives, everything is paused, for longer than session and poll interval together.
        await asyncio.sleep(2.5 * bed.session_ms / 1000)
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
