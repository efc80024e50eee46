"""Slots, and attempts that give theirs away while they wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from consumer.turns import Slots, Turn, Turns, free_turn, parked, set_current


async def turned(times: int = 5) -> None:
    """Lets the loop turn."""
    for _ in range(times):
        await asyncio.sleep(0)


async def taken(turns: Turns) -> Turn:
    await turns.slots.acquire()
    return turns.make()


async def is_free(slots: Slots) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await slots.acquire()
            slots.release()
            return True
    return False


async def test_slots_are_given_in_the_order_of_asking() -> None:
    slots, order = Slots(1), list[int]()
    await slots.acquire()

    async def ask(number: int) -> None:
        await slots.acquire()
        order.append(number)
        slots.release()

    asking = [asyncio.create_task(ask(number)) for number in range(3)]
    await turned()
    assert order == []
    slots.release()
    await asyncio.gather(*asking)
    assert order == [0, 1, 2]


@pytest.mark.parametrize("is_handed_over", [False, True])
async def test_whoever_is_cancelled_while_asking_takes_no_slot(*, is_handed_over: bool) -> None:
    slots = Slots(1)
    await slots.acquire()
    asking = asyncio.create_task(slots.acquire())
    await turned()
    if is_handed_over:
        slots.release()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    if not is_handed_over:
        slots.release()

    assert await is_free(slots)


async def test_a_slot_that_was_overdrawn_is_owed() -> None:
    slots = Slots(1)
    await slots.acquire()
    slots.overdraw()
    slots.release()
    assert not await is_free(slots)
    slots.release()
    assert await is_free(slots)


async def test_who_parks_gives_the_slot_away_and_waits_for_one_at_the_end() -> None:
    turns = Turns(1)
    turn = await taken(turns)
    async with turn.parked():
        assert turns.parked == 1
        other = await taken(turns)
        asyncio.get_running_loop().call_soon(other.end)
    assert turns.parked == 0
    assert not await is_free(turns.slots)
    turn.end()
    assert await is_free(turns.slots)


async def test_who_is_cancelled_in_the_park_ends_without_a_slot() -> None:
    turns = Turns(1)
    turn = await taken(turns)

    async def wait() -> None:
        async with turn.parked():
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await turned()
    other = await taken(turns)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    turn.end()
    assert turns.parked == 0
    assert not await is_free(turns.slots)
    other.end()
    assert await is_free(turns.slots)


async def test_an_error_in_the_park_passes_on_with_the_slot_back() -> None:
    turns = Turns(1)
    turn = await taken(turns)
    with pytest.raises(ZeroDivisionError):
        async with turn.parked():
            raise ZeroDivisionError
    assert not await is_free(turns.slots)
    turn.end()
    assert await is_free(turns.slots)


async def test_who_retakes_waits_for_nobody() -> None:
    turns = Turns(1)
    turn = await taken(turns)
    async with turn.parked():
        other = await taken(turns)
        turn.retake()
    other.end()
    assert not await is_free(turns.slots)
    turn.end()
    assert await is_free(turns.slots)


async def test_who_has_begun_gives_the_slot_away_while_it_waits() -> None:
    turns = Turns(1)
    turn = await taken(turns)
    turn.begun()
    async with turn.parked():
        assert turns.parked == 1
        assert await is_free(turns.slots)
    assert turn.has_begun
    assert not await is_free(turns.slots)


async def test_parts_of_one_attempt_never_hold_more_than_one_slot() -> None:
    turns = Turns(1)
    turn = await taken(turns)

    async def part(stays: int) -> None:
        for _ in range(stays):
            async with turn.parked():
                await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await asyncio.gather(part(7), part(5), part(3))
    assert not await is_free(turns.slots)
    turn.end()
    assert await is_free(turns.slots)


async def test_a_part_in_line_goes_on_when_another_takes_the_slot_back_at_once() -> None:
    turns = Turns(1)
    turn = await taken(turns)
    park = turn.parked()
    await park.__aenter__()
    other = await taken(turns)
    coming_back = asyncio.create_task(park.__aexit__(None, None, None))
    await asyncio.sleep(0)
    turn.retake()
    async with asyncio.timeout(5):
        await coming_back
    turn.end()
    other.end()

    assert await is_free(turns.slots)


async def test_beyond_the_limit_nobody_parks() -> None:
    turns = Turns(2, max_parked=1)
    first, second = await taken(turns), await taken(turns)
    async with first.parked(), second.parked():
        assert turns.parked == 1
        assert await is_free(turns.slots)
        await turns.slots.acquire()
        assert not await is_free(turns.slots)
        turns.slots.release()


async def test_parts_of_one_attempt_park_side_by_side_as_one() -> None:
    turns = Turns(1)
    turn = await taken(turns)
    async with turn.parked():
        async with turn.parked():
            assert turns.parked == 1
        assert await is_free(turns.slots)
    assert not await is_free(turns.slots)


async def test_the_current_turn_is_that_of_the_task_and_of_what_it_starts() -> None:
    turns = Turns(1)
    turn = await taken(turns)

    async def part() -> int:
        async with parked():
            return turns.parked

    async def attempt() -> int:
        set_current(turn)
        return (await asyncio.gather(part()))[0]

    assert await asyncio.create_task(attempt()) == 1
    assert await part() == 0


async def test_a_free_turn_parks_beside_every_worker() -> None:
    turn = free_turn()
    async with turn.parked() as same:
        assert same is turn
    assert not turn.has_begun
