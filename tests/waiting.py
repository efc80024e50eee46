"""Waiting for something to become true, with a deadline."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

DEADLINE_S: Final = 30.0
"""Long enough for whatever is expected to happen soon."""


async def until(
    condition: Callable[[], bool | Awaitable[bool]],
    what: str = "it",
    *,
    within_s: float = DEADLINE_S,
    every_s: float = 0.02,
) -> None:
    """Polls a condition until it holds.

    Args:
        condition: answers at once, or is awaited.
        what: for the message.
        within_s: how long to wait, in seconds.
        every_s: pause between two looks; 0 lets the loop turn and no more.

    Raises:
        AssertionError: it does not hold in time.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while not (await answer if inspect.isawaitable(answer := condition()) else answer):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {within_s} s"
        await asyncio.sleep(every_s)
