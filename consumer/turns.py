"""Slots: room for the jobs that are worked on side by side, and how an attempt that only waits gives its own away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Final

MAX_PARKED: Final = 64
"""Each one parked is an open delivery, and a few kilobytes; so many hold no memory worth counting."""


class Slots:
    """A number of slots, given out in the order of asking. One more can be taken than there are: it is owed then."""

    def __init__(self, count: int) -> None:
        """All of them are free."""
        self._free = count
        self._line: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Waits for a slot. Cancelled, it has none."""
        if self._free > 0 and not self._line:
            self._free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._line.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.release()
            elif mine in self._line:
                self._line.remove(mine)
            raise

    def overdraw(self) -> None:
        """Takes a slot at once, free or not."""
        self._free -= 1

    def release(self) -> None:
        """Gives a slot back."""
        self._free += 1
        while self._free > 0 and self._line:
            waiting = self._line.popleft()
            if not waiting.done():
                self._free -= 1
                waiting.set_result(None)


class Turns:
    """The slots of a worker and the attempts that have one."""

    def __init__(self, slots: int, *, max_parked: int = MAX_PARKED) -> None:
        """Nobody has a slot yet."""
        self.slots = Slots(slots)
        self.parked = 0
        """Attempts that gave their slot away for now."""
        self._max_parked = max_parked

    @property
    def is_full(self) -> bool:
        """Whether nobody else may park."""
        return self.parked >= self._max_parked

    def make(self, is_moot: Callable[[], bool] = lambda: False) -> Turn:
        """The turn of an attempt for which a slot was taken; moot when its end would count for nothing any more."""
        return Turn(self, is_moot)


class Turn:
    """One attempt's hold on its slot."""

    def __init__(self, turns: Turns, is_moot: Callable[[], bool]) -> None:
        """Has a slot."""
        self.is_moot = is_moot
        self._turns = turns
        self._has_slot = True
        self._is_over = False
        self._stays = 0
        self._returning = asyncio.Lock()
        self._in_line: asyncio.Task[None] | None = None
        self.has_begun = False
        """Whether cancelling would lose work worth having."""

    def begun(self) -> None:
        """Says, once or more, that from now on it should be let finish."""
        self.has_begun = True

    @asynccontextmanager
    async def parked(self) -> AsyncIterator[Turn]:
        """Gives the slot away meanwhile and waits for one at the end, unless cancelled.

        Whoever finds too many parked keeps the slot. Parts of one attempt may park side by side: the slot comes back
        with the last of them.
        """
        if self._is_over or (not self._stays and self._turns.is_full):
            yield self
            return
        self._enter()
        try:
            yield self
        except asyncio.CancelledError:
            self._leave()
            raise
        except BaseException:
            await self._come_back()
            raise
        await self._come_back()

    @property
    def is_parked(self) -> bool:
        """Whether the slot is given away for now."""
        return self._stays > 0

    def retake(self) -> None:
        """Takes the slot back at once, though it be one more than there are."""
        if not (self._has_slot or self._is_over):
            self._turns.slots.overdraw()
            self._has_slot = True
            self._leave_the_line()

    def end(self) -> None:
        """Gives the slot back for good; calls of the attempt that are still on their way get none any more."""
        self._is_over = True
        self._leave_the_line()
        self._give()

    def _give(self) -> None:
        if self._has_slot:
            self._has_slot = False
            self._turns.slots.release()

    def _enter(self) -> None:
        self._stays += 1
        if self._stays == 1:
            self._turns.parked += 1
            self._give()

    def _leave(self) -> bool:
        """Whether it was the last stay."""
        self._stays -= 1
        if not self._stays:
            self._turns.parked -= 1
        return not self._stays

    async def _come_back(self) -> None:
        if not self._leave():
            return
        async with self._returning:  # one slot for all parts
            if not self._wants_slot:
                return
            in_line = self._in_line = asyncio.create_task(self._turns.slots.acquire())
            try:
                await asyncio.wait((in_line,))
            finally:
                self._leave_the_line()
                if in_line.done() and not in_line.cancelled():
                    self._accept()

    @property
    def _wants_slot(self) -> bool:
        return not (self._has_slot or self._is_over or self._stays)

    def _accept(self) -> None:
        """Takes the slot that was waited for, or passes it on: it may have come otherwise, or too late."""
        if self._wants_slot:
            self._has_slot = True
        else:
            self._turns.slots.release()

    def _leave_the_line(self) -> None:
        if self._in_line is not None:
            self._in_line.cancel()
            self._in_line = None


def free_turn() -> Turn:
    """A turn outside of any worker, with a slot of its own."""
    turns = Turns(1)
    turns.slots.overdraw()
    return turns.make()


_current: ContextVar[Turn | None] = ContextVar("turn", default=None)


def set_current(turn: Turn) -> None:
    """Says whose turn it is in this task and in those that it starts."""
    _current.set(turn)


def parked() -> AbstractAsyncContextManager[Turn]:
    """Parks the attempt that runs here; without one it does nothing that anybody would notice."""
    return (_current.get() or free_turn()).parked()
