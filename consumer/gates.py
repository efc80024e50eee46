"""A gate in front of one dependency: open while it answers; closed, one call asks on behalf of all who wait."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from consumer.core.failures import OutageError
from consumer.core.outages import wants_second_opinion
from consumer.core.pauses import pause_s
from contracts.errors import ErrorCode

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Visit:
    """One call that is repeated until it gets through."""

    failures: int = 0
    is_alone: bool = False
    """It fails although others get answers."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    gate: Gate | None = None
    """Where it stands in line."""
    met: dict[Gate, int] = field(default_factory=dict)
    """How many answers others had had at a gate when this call first failed there."""

    def leave(self) -> None:
        """Steps out of the line, wherever it stands."""
        if self.gate:
            self.gate.leave(self)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait: for tests without a clock."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class OutageLog:
    """Outages of a worker so far, by code."""

    count: Counter[ErrorCode] = field(default_factory=Counter)
    seconds: dict[ErrorCode, float] = field(default_factory=dict)
    """How long those lasted that are over."""

    def note(self, code: ErrorCode, lasted_s: float) -> None:
        """Takes in one that is over."""
        self.count[code] += 1
        self.seconds[code] = self.seconds.get(code, 0.0) + lasted_s


class Gate:
    """The line in front of one dependency."""

    def __init__(self, waiting: Waiting, past: OutageLog, on_change: Callable[[], None], **names: str) -> None:
        """Open. Log lines bear the names."""
        self._waiting = waiting
        self._past = past
        self._on_change = on_change
        self._names = names
        self._line: list[Visit] = []
        self._asking: Visit | None = None
        self._failures = 0
        self._closed_s = 0.0
        self._answers = 0
        self.error: OutageError | None = None
        """What was said last; None while open."""
        self.wants_opinion = False
        """Whether a further job may come in to ask, too."""

    @property
    def lasts_s(self) -> float:
        """For how long it has been closed, in seconds."""
        return self._waiting.clock() - self._closed_s if self.error else 0.0

    @property
    def waiting(self) -> int:
        """Calls that stand in line."""
        return len(self._line)

    def answered(self) -> None:
        """Hears that the dependency has answered somebody."""
        self._answers += 1
        if self.error:
            self._open(self.error.code, is_answered=True)

    def close(self, visit: Visit, error: OutageError) -> bool:
        """Puts a call that failed in line; False for one that fails although others get answers: it waits alone."""
        if visit.met.setdefault(self, self._answers) < self._answers:
            self.leave(visit)
            return False
        if not self.error:
            self._closed_s = self._waiting.clock()
            log.warning("outage_began", code=error.code, error=error.message, **self._names)
        if visit in self._line:
            self._line.remove(visit)
        visit.gate, self.error = self, error
        self._line.append(visit)
        if self._asking in {visit, None}:
            self._asking = None
            self._failures += 1
            self.wants_opinion = wants_second_opinion(self._failures)
            log.debug("outage_lasts", code=error.code, error=error.message, failures=self._failures, **self._names)
        self._on_change()
        return True

    def leave(self, visit: Visit) -> None:
        """Takes a call out of the line. A gate at which nobody waits is open: the next one will find out."""
        if visit not in self._line:
            return
        self._line.remove(visit)
        visit.gate = None
        if self._asking is visit:
            self._asking = None
        self._appoint()
        if self.error and not self._line:
            self._open(self.error.code, is_answered=False)

    async def turn(self, visit: Visit) -> bool:
        """Waits until a call in line may be made again; True for the one that asks for all, after a pause."""
        self._appoint()
        while self._asking is not visit and visit.gate is self:
            visit.woken.clear()
            await visit.woken.wait()
        if visit.gate is self:
            await self._pause(visit)
        return visit.gate is self

    def _appoint(self) -> None:
        if not self._asking and self._line:
            self._asking = self._line[0]
            self._asking.woken.set()

    async def _pause(self, visit: Visit) -> None:
        """Sleeps, but no longer than the gate stays closed."""
        visit.woken.clear()
        pause = self._waiting.sleep(pause_s(self._failures, self._waiting.jitter()))
        either = [asyncio.ensure_future(pause), asyncio.ensure_future(visit.woken.wait())]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    def _open(self, code: ErrorCode, *, is_answered: bool) -> None:
        lasted_s, waiting = self.lasts_s, len(self._line)
        log.warning(
            "outage_ended", code=code, lasted_s=round(lasted_s, 3), waiting=waiting, is_answered=is_answered,
            **self._names,
        )  # fmt: skip
        self._past.note(code, lasted_s)
        line, self._line, self._asking = self._line, [], None
        self.error, self._failures, self.wants_opinion = None, 0, False
        for visit in line:
            visit.gate = None
            visit.woken.set()
        self._on_change()
