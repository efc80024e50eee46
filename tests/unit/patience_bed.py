"""A patience, and calls that meet outages under a clock that goes when the test says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from consumer.core.failures import OutageError, PermanentError
from consumer.core.outages import Dependency
from consumer.gates import Waiting
from consumer.patience import Patience
from contracts.errors import ErrorCode

STORE = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")
LOAD = OutageError(ErrorCode.MODEL_LOAD_FAILED, "no memory")


@dataclass
class Clock:
    """Time that passes when the test says so."""

    now_s: float = 0.0
    sleepers: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        until = (self.now_s + seconds, asyncio.Event())
        self.sleepers.append(until)
        try:
            await until[1].wait()
        finally:
            self.sleepers.remove(until)

    async def step(self) -> float:
        """Goes on to the next moment at which somebody wakes up; that moment."""
        await turned()
        self.now_s, event = min(self.sleepers, key=lambda sleeper: sleeper[0])
        event.set()
        await turned()
        return self.now_s


async def turned() -> None:
    """Lets the loop turn."""
    for _ in range(20):
        await asyncio.sleep(0)


class Bed:
    """A patience, its clock, and calls that fail until told otherwise."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.patience = Patience(Waiting(self.clock.sleep, lambda: 0.0, lambda: self.clock.now_s))
        self.calls: list[str] = []
        self.failing: dict[str, OutageError | PermanentError] = {}

    def start(
        self, name: str, error: OutageError | None = None, *, asks: Dependency | None = None, model: str | None = None
    ) -> asyncio.Task[str]:
        """A call that fails for as long as its name is among those that fail."""
        if error:
            self.failing[name] = error

        async def call() -> str:
            self.calls.append(name)
            if name in self.failing:
                raise self.failing[name]
            return name

        return asyncio.create_task(self.patience.outlast(name, call, asks=asks, model=model))

    async def meets(self, name: str, error: OutageError = STORE, *, model: str | None = None) -> asyncio.Task[str]:
        """A call that has met an outage."""
        task = self.start(name, error, asks=None if error is LOAD else Dependency.STORE, model=model)
        await turned()
        return task
