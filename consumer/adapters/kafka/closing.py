"""Closing aiokafka's clients in bounded time, whatever state they are in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = structlog.get_logger(__name__)

_STOP_S: Final = 10.0


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


async def _close_parts(*parts: object) -> None:
    for part in parts:
        if part is not None:
            await _ends_well(part.close(), "close_failed")  # type: ignore[attr-defined]  # aiokafka has no types


async def _ends_well(work: Coroutine[None, None, None], action: str) -> bool:
    """Whether it ended in time; run as a task, because a part that was cancelled would cancel us too."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=_STOP_S)
    task.cancel()
    (result,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(result, BaseException):
        log.warning(action, error=type(result).__name__)
    return result is None
