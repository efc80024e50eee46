"""Turns at a steady rate, until it is stopped."""

from __future__ import annotations

import asyncio

from consumer.desk.pace import Pace


async def test_a_rate_spaces_the_turns_out() -> None:
    pace, clock = Pace(100), asyncio.get_running_loop().time
    started_s = clock()
    turns = [await pace.turn() for _ in range(6)]
    assert all(turns)
    assert clock() - started_s >= 0.05


async def test_without_a_rate_nothing_is_waited_for() -> None:
    pace = Pace(None)
    assert all([await pace.turn() for _ in range(10_000)])


async def test_who_waits_for_a_turn_hears_of_the_stop() -> None:
    pace = Pace(0.001)
    await pace.turn()
    waiting = asyncio.ensure_future(pace.turn())
    await asyncio.sleep(0)
    pace.stop()
    assert not await waiting
    assert pace.is_stopped
