"""Closing aiokafka's clients and the tasks that use them, in bounded time, whatever state they are in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = structlog.get_logger(__name__)

_STOP_S: Final = 10.0
_CANCELS_MAX: Final = 5
_CANCEL_S: Final = 1.0


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leaves the group and closes; never raises."""
    if await _ends_well(consumer.stop(), "leave_failed"):
        return
    # It waits for a rebalance that does not end, or fell over a part of its own that had ended before.
    await _close_parts(consumer._fetcher, consumer._client)  # noqa: SLF001  # there is no public way


async def close_producer(producer: AIOKafkaProducer) -> None:
    """Sends what is on its way and closes; never raises."""
    if await _ends_well(producer.stop(), "flush_failed"):
        return
    # It goes on sending for ever: a broker that comes back would get records that were published anew meanwhile.
    await _close_parts(producer._sender, producer.client)  # noqa: SLF001  # there is no public way


async def end_tasks(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels them until they have ended.

    Once is not enough: `asyncio.wait_for`, which aiokafka uses all over, swallows a cancellation that meets its result
    (until Python 3.12). A task that withstands is left behind.
    """
    pending = {task for task in tasks if not task.done()}
    for _ in range(_CANCELS_MAX):
        if not pending:
            return
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_S)
    if pending:
        log.warning("tasks_left", count=len(pending))


async def _close_parts(*parts: object) -> None:
    for part in parts:
        if part is not None:
            await _ends_well(part.close(), "close_failed")  # type: ignore[attr-defined]  # aiokafka has no types


async def _ends_well(work: Coroutine[None, None, None], action: str) -> bool:
    """Whether it ended in time; run as a task, because a part that was cancelled would cancel us too."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=_STOP_S)
    if not task.done():
        await end_tasks([task])
        log.warning(action, error=f"not done in {_STOP_S:g} s")
        return False
    (error,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(error, BaseException):
        log.warning(action, error=type(error).__name__)
    return error is None
