"""Whatever fails, mends and is given up in whatever order: nobody waits for ever, and every slot comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.core.failures import OutageError
from consumer.core.outages import dependency_of
from consumer.gates import Waiting
from consumer.patience import Patience
from consumer.turns import Turns, set_current
from contracts.errors import ErrorCode
from tests.unit.patience_bed import Clock, turned

SLOTS = 1
JOBS = 5
CODES = [ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.BROKER_UNAVAILABLE, ErrorCode.MODEL_LOAD_FAILED]

job = st.integers(0, JOBS - 1)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("start"), job, st.sampled_from(CODES), st.booleans()),
        st.tuples(st.just("break"), job, st.sampled_from(CODES)),
        st.tuples(st.just("mend"), job),
        st.tuples(st.just("cancel"), job),
        st.tuples(st.just("step")),
    ),
    max_size=40,
)


class Jobs:
    """Jobs with slots, each of which makes one call that fails while it is broken."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.patience = Patience(Waiting(self.clock.sleep, lambda: 0.0, lambda: self.clock.now_s))
        self.turns = Turns(SLOTS, max_parked=3)
        self.broken: dict[int, ErrorCode] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def act(self, action: tuple[Any, ...]) -> None:
        match action:
            case ("start", number, code, has_begun) if number not in self.tasks:
                self.broken[number] = code
                self.tasks[number] = asyncio.create_task(self._work(number, has_begun=has_begun))
            case ("break", number, code):
                self.broken[number] = code
            case ("mend", number):
                self.broken.pop(number, None)
            case ("cancel", number) if number in self.tasks:
                self.tasks[number].cancel()

    async def step(self) -> None:
        await turned()
        if self.clock.sleepers:
            await self.clock.step()

    async def finish(self) -> None:
        """Everything is there again."""
        self.broken.clear()
        for _ in range(100):
            await self.step()

    async def _work(self, number: int, *, has_begun: bool) -> None:
        await self.turns.slots.acquire()
        turn = self.turns.make()
        if has_begun:
            turn.begun()
        set_current(turn)
        try:
            await self.patience.outlast(f"job-{number}", self._call(number))
        finally:
            turn.end()

    def _call(self, number: int) -> Callable[[], Awaitable[None]]:
        async def call() -> None:
            await asyncio.sleep(0)
            if code := self.broken.get(number):
                raise OutageError(code, "away")

        return call


@settings(max_examples=150, deadline=None)
@given(actions)
def test_all_end_once_everything_is_there_and_every_slot_comes_back(plan: list[tuple[Any, ...]]) -> None:
    async def run() -> None:
        jobs = Jobs()
        for action in plan:
            jobs.act(action)
            await jobs.step() if action[0] == "step" else await asyncio.sleep(0)
            closed = [outage for outage in jobs.patience.outages if outage["waiting"]]
            assert len(closed) == len(jobs.patience.outages), "a gate is closed at which nobody waits"
        await jobs.finish()
        assert all(task.done() for task in jobs.tasks.values())
        assert (jobs.patience.outages, jobs.turns.parked, jobs.clock.sleepers) == ([], 0, [])
        for _ in range(SLOTS):
            async with asyncio.timeout(1):
                await jobs.turns.slots.acquire()

    asyncio.run(run())


def test_the_codes_tried_are_of_different_dependencies() -> None:
    assert len({dependency_of(code) for code in CODES}) == len(CODES)
