"""Whatever the parts of attempts do, slots are neither lost nor made."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.turns import Turn, Turns

STEPS = st.lists(st.sampled_from(["yield", "retake", "cancel", "long"]), max_size=4)
Parts = tuple[list[list[str]], bool]
PARTS = st.lists(STEPS, min_size=1, max_size=3)


async def part(turn: Turn, steps: list[str]) -> None:
    for step in steps:
        async with turn.parked():
            await asyncio.sleep(0)
            if step == "long":
                for _ in range(5):
                    await asyncio.sleep(0)
            if step == "retake":
                turn.retake()
            if step == "cancel":
                raise asyncio.CancelledError


async def attempt(turns: Turns, parts: list[list[str]], *, is_orphaning: bool) -> list[asyncio.Task[None]]:
    """An attempt with its parts side by side; orphaning, it ends with the first of them."""
    await turns.slots.acquire()
    turn = turns.make()
    tasks = [asyncio.create_task(part(turn, steps)) for steps in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED if is_orphaning else asyncio.ALL_COMPLETED)
    turn.end()
    return tasks


@given(st.integers(1, 3), st.lists(st.tuples(PARTS, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_when_all_attempts_have_ended_every_slot_is_free(slots: int, attempts: list[Parts]) -> None:
    async def run() -> None:
        turns = Turns(slots)
        async with asyncio.timeout(20):
            parts = await asyncio.gather(
                *(attempt(turns, steps, is_orphaning=is_orphaning) for steps, is_orphaning in attempts)
            )
            await asyncio.gather(*(task for tasks in parts for task in tasks), return_exceptions=True)
            for _ in range(slots):
                await turns.slots.acquire()
        one_more = asyncio.ensure_future(turns.slots.acquire())
        await asyncio.sleep(0)
        assert not one_more.done()
        assert turns.parked == 0
        one_more.cancel()

    asyncio.run(run())
