"""How fast copies are sent, and that Ctrl-C stops between two of them."""

from __future__ import annotations

import asyncio
import contextlib


class Pace:
    """Gives turns at a steady rate until it is stopped."""

    def __init__(self, rate_per_s: float | None) -> None:
        """None gives turns at once; a rate counts from the first turn on."""
        self.rate_per_s = rate_per_s
        self._first_s: float | None = None
        self._turns = 0
        self._stop = asyncio.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether no further turn is given."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Gives no further turn."""
        self._stop.set()

    async def turn(self) -> bool:
        """Waits for the next turn; False when there is none any more."""
        clock = asyncio.get_running_loop().time
        if self._first_s is None:
            self._first_s = clock()
        if self.rate_per_s is not None:
            wait_s = self._first_s + self._turns / self.rate_per_s - clock()
            if wait_s > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._stop.wait()
        self._turns += 1
        return not self.is_stopped
