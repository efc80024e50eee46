"""Waiting for a dependency that is away: nobody's job is at fault, so nothing fails meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from consumer.core.failures import OutageError
from consumer.core.pauses import pause_s

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Patience:
    """Repeats calls with growing pauses."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Takes how to wait, in seconds, and where jitter from 0 to 1 comes from."""
        self._sleep = sleep
        self._jitter = jitter

    async def outlast(self, action: str, call: Callable[[], Awaitable[T]]) -> T:
        """Repeats a call for as long as a dependency is away.

        It ends with the call's result, with any other error, or when it is cancelled.

        Args:
            action: names the call in log lines.
            call: what to do; called anew each time.
        """
        failures = 0
        while True:
            try:
                return await call()
            except OutageError as exc:
                failures += 1
                wait_s = round(pause_s(failures, self._jitter()), 3)
                log.warning("waiting_for_dependency", action=action, code=exc.code, error=exc.message, wait_s=wait_s)
                await self._sleep(wait_s)
