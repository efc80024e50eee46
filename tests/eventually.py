"""Waiting for what happens elsewhere: a condition asked again and again, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

DEADLINE_S: Final = 30.0
_POLL_S: Final = 0.02


async def eventually(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Returns once the condition holds; fails the test with `what` when it does not in time."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await condition():  # noqa: ASYNC110  # another process tells us of no event
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}") from None
