"""Tasks and clients that do not want to end."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from consumer.adapters.kafka.closing import end_tasks


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    task = asyncio.create_task(_deaf(to=1))
    await asyncio.sleep(0)

    with capture_logs() as lines:
        await end_tasks([task])

    assert task.cancelled()
    assert lines == []


async def test_a_task_that_withstands_is_left_behind() -> None:
    task = asyncio.create_task(_deaf(to=5))
    await asyncio.sleep(0)

    with capture_logs() as lines:
        await end_tasks([task])

    assert not task.done()
    assert [line["event"] for line in lines] == ["tasks_left"]
    task.cancel()
    await asyncio.wait({task})


async def test_tasks_that_have_ended_are_nothing_to_wait_for() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task

    await end_tasks([task])

    assert not task.cancelled()


async def _deaf(*, to: int) -> None:
    for _ in range(to):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(60)
