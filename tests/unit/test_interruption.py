"""Blocks that are ended from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from consumer.interruption import Interruption


class TroubleError(Exception):
    pass


async def interrupted(*errors: TroubleError, on_end: Callable[[], None] = lambda: None) -> None:
    async with Interruption() as interruption:
        for error in errors:
            asyncio.get_running_loop().call_soon(interruption.interrupt, error)
        try:
            await asyncio.Event().wait()
        finally:
            on_end()


async def test_an_interrupted_block_ends_with_the_first_error_and_its_task_lives_on() -> None:
    ended: list[str] = []
    with pytest.raises(TroubleError, match="first"):
        await interrupted(TroubleError("first"), TroubleError("second"), on_end=lambda: ended.append("cleaned up"))
    assert ended == ["cleaned up"]
    await asyncio.sleep(0)


async def test_a_block_that_ended_is_not_interrupted_any_more() -> None:
    async with Interruption() as interruption:
        pass
    interruption.interrupt(TroubleError())
    await asyncio.sleep(0)


async def test_a_task_that_is_cancelled_as_well_stays_cancelled() -> None:
    task = asyncio.create_task(interrupted(TroubleError()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()


async def test_an_error_of_the_block_itself_comes_first() -> None:
    def fail() -> None:
        raise ValueError("own")

    with pytest.raises(ValueError, match="own"):
        await interrupted(TroubleError(), on_end=fail)
    await asyncio.sleep(0)
