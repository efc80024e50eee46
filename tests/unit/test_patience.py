"""Who waits while a dependency is away, who asks, and whom it holds up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from consumer.core.failures import OutageError, PermanentError
from consumer.core.outages import SECOND_OPINION, Dependency
from consumer.gates import Waiting
from consumer.patience import Patience
from consumer.turns import Turns, set_current
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


@pytest.fixture
def bed() -> Bed:
    return Bed()


async def test_one_call_asks_for_all_in_turn_with_growing_pauses(bed: Bed) -> None:
    for name in "abc":
        await bed.meets(name)
    assert bed.calls == ["a", "b", "c"]
    moments = [await bed.clock.step() for _ in range(5)]

    assert moments == [0.5, 1.5, 3.5, 7.5, 15.5]
    assert bed.calls[3:] == ["a", "b", "c", "a", "b"]


async def test_when_it_answers_all_go_on(bed: Bed) -> None:
    tasks = [await bed.meets(name) for name in "abc"]
    bed.failing.clear()
    await bed.clock.step()

    assert [task.result() for task in tasks] == ["a", "b", "c"]
    assert bed.patience.outages == []
    assert bed.clock.sleepers == []


async def test_intake_pauses_at_once_and_goes_on_when_it_answers(bed: Bed) -> None:
    assert bed.patience.takes()
    await bed.meets("a")
    intake = asyncio.create_task(bed.patience.until_it_takes())
    await turned()
    assert (bed.patience.takes(), intake.done()) == (False, False)
    assert bed.patience.pauses[ErrorCode.STORAGE_UNAVAILABLE]
    assert not bed.patience.pauses[ErrorCode.BROKER_UNAVAILABLE]
    bed.failing.clear()
    await bed.clock.step()

    assert intake.done()
    assert not any(bed.patience.pauses.values())


async def test_an_answer_to_anybody_opens_the_gate_before_the_pause_is_over(bed: Bed) -> None:
    waiting = await bed.meets("a")
    bed.failing.clear()
    await bed.start("other", asks=Dependency.STORE)
    await turned()

    assert waiting.done()
    assert bed.clock.now_s == 0.0


async def test_a_refusal_is_an_answer_too(bed: Bed) -> None:
    waiting = await bed.meets("a")
    bed.failing = {"other": PermanentError(ErrorCode.INPUT_FORBIDDEN, "no")}
    with pytest.raises(PermanentError):
        await bed.start("other", asks=Dependency.STORE)
    await turned()

    assert waiting.done()


async def test_who_fails_although_others_get_answers_waits_alone_and_holds_up_nobody(bed: Bed) -> None:
    odd = await bed.meets("odd")
    with capture_logs() as lines:
        await bed.start("other", asks=Dependency.STORE)
        await turned()
        assert bed.patience.takes()
        moments = [await bed.clock.step() for _ in range(3)]
    assert bed.patience.takes()
    assert moments == [1.0, 3.0, 7.0]  # its first pause was cut short by the other's answer
    assert [line["event"] for line in lines] == ["outage_ended", "job_waits_alone"]
    bed.failing.clear()
    await bed.clock.step()
    assert odd.done()


async def test_a_second_call_that_fails_after_such_a_one_closes_the_gate_for_itself(bed: Bed) -> None:
    await bed.meets("odd")
    await bed.start("other", asks=Dependency.STORE)
    await turned()
    await bed.meets("later")

    assert not bed.patience.takes()
    assert [outage["waiting"] for outage in bed.patience.outages] == [1]


async def test_after_some_failures_each_further_one_lets_one_job_in(bed: Bed) -> None:
    await bed.meets("odd")
    for _ in range(SECOND_OPINION - 2):
        await bed.clock.step()
        assert not bed.patience.takes()
    await bed.clock.step()

    assert [bed.patience.takes() for _ in range(3)] == [True, False, False]
    await bed.clock.step()
    assert [bed.patience.takes() for _ in range(2)] == [True, False]


async def test_a_gate_is_open_when_nobody_is_left_who_waits(bed: Bed) -> None:
    tasks = [await bed.meets(name) for name in "ab"]
    tasks[0].cancel()
    await turned()
    assert not bed.patience.takes()
    assert await bed.clock.step() == 0.5
    assert bed.calls == ["a", "b", "b"]
    with capture_logs() as lines:
        tasks[1].cancel()
        await turned()

    assert [(line["event"], line["is_answered"]) for line in lines] == [("outage_ended", False)]
    assert bed.patience.takes()
    assert bed.clock.sleepers == []


async def test_a_call_that_ends_otherwise_leaves_the_asking_to_the_next(bed: Bed) -> None:
    first = await bed.meets("a", LOAD)
    await bed.meets("b", LOAD)
    bed.failing["a"] = PermanentError(ErrorCode.MEDIA_CORRUPT, "broken")
    await bed.clock.step()
    assert isinstance(first.exception(), PermanentError)
    assert not bed.patience.takes()
    await bed.clock.step()

    assert bed.calls == ["a", "b", "a", "b"]


async def test_a_model_asked_for_by_name_holds_up_its_own_jobs_alone(bed: Bed) -> None:
    await bed.meets("small", LOAD, model="small")
    await bed.meets("large", LOAD, model="large")
    assert bed.patience.takes()
    assert [outage["model"] for outage in bed.patience.outages] == ["small", "large"]
    bed.patience.answered(Dependency.MODEL, "small")
    assert [outage["model"] for outage in bed.patience.outages] == ["large"]
    await bed.meets("default", LOAD)

    assert not bed.patience.takes()


async def test_a_call_to_one_dependency_raises_the_outage_of_another(bed: Bed) -> None:
    full = OutageError(ErrorCode.SCRATCH_FULL, "full")
    with pytest.raises(OutageError, match="full"):
        await bed.start("fetch", full, asks=Dependency.STORE)

    assert bed.patience.takes()


async def test_a_call_that_meets_another_outage_waits_there_and_no_more_at_the_first(bed: Bed) -> None:
    await bed.meets("job", LOAD)
    bed.failing["job"] = OutageError(ErrorCode.SCRATCH_FULL, "full")
    await bed.clock.step()

    assert [outage["code"] for outage in bed.patience.outages] == [ErrorCode.SCRATCH_FULL]


async def test_an_outage_has_two_lines_whoever_waits_and_however_long(bed: Bed) -> None:
    with capture_logs() as lines:
        for name in "abc":
            await bed.meets(name)
        for _ in range(4):
            await bed.clock.step()
        bed.failing.clear()
        await bed.clock.step()

    told = [line for line in lines if line["log_level"] != "debug"]
    assert [line["event"] for line in told] == ["outage_began", "outage_ended"]
    assert told[0]["code"] == ErrorCode.STORAGE_UNAVAILABLE
    assert (told[1]["lasted_s"], told[1]["waiting"], told[1]["is_answered"]) == (15.5, 3, True)


async def test_the_next_outage_begins_with_short_pauses_again(bed: Bed) -> None:
    await bed.meets("a")
    for _ in range(3):
        await bed.clock.step()
    bed.failing.clear()
    await bed.clock.step()
    ended_s = bed.clock.now_s
    await bed.meets("b")

    assert await bed.clock.step() == ended_s + 0.5


async def test_outages_and_their_seconds_are_counted_while_they_last(bed: Bed) -> None:
    task = await bed.meets("a")
    await bed.clock.step()
    assert bed.patience.counts[ErrorCode.STORAGE_UNAVAILABLE] == 1
    assert bed.patience.seconds[ErrorCode.STORAGE_UNAVAILABLE] == 0.5
    bed.failing.clear()
    await bed.clock.step()

    assert task.done()
    assert bed.patience.counts[ErrorCode.STORAGE_UNAVAILABLE] == 1
    assert bed.patience.seconds[ErrorCode.STORAGE_UNAVAILABLE] == 1.5
    assert bed.patience.counts[ErrorCode.BROKER_UNAVAILABLE] == 0


async def _in_turn(turns: Turns, start: Callable[[], asyncio.Task[str]], *, has_begun: bool = False) -> None:
    await turns.slots.acquire()
    turn = turns.make()
    if has_begun:
        turn.begun()
    set_current(turn)
    try:
        await start()
    finally:
        turn.end()


async def test_who_waits_gives_the_slot_away(bed: Bed) -> None:
    turns = Turns(2)
    one = asyncio.create_task(_in_turn(turns, lambda: bed.start("one", STORE, asks=Dependency.STORE)))
    two = asyncio.create_task(_in_turn(turns, lambda: bed.start("two", STORE, asks=Dependency.STORE), has_begun=True))
    await turned()
    assert turns.parked == 2
    bed.failing.clear()
    await bed.clock.step()
    await asyncio.gather(one, two)

    assert turns.parked == 0


async def test_who_asks_for_all_needs_no_free_slot(bed: Bed) -> None:
    turns = Turns(1)
    asking = asyncio.create_task(_in_turn(turns, lambda: bed.start("first", STORE, asks=Dependency.STORE)))
    await turned()
    holding = asyncio.create_task(
        _in_turn(turns, lambda: bed.start("second", STORE, asks=Dependency.STORE), has_begun=True)
    )
    await turned()
    assert bed.calls == ["first", "second"]
    bed.failing.clear()
    await bed.clock.step()
    async with asyncio.timeout(5):
        await asyncio.gather(asking, holding)

    assert bed.calls == ["first", "second", "first", "second"]


async def test_whoever_drains_holds_nobody(bed: Bed) -> None:
    await bed.meets("a")
    intake = asyncio.create_task(bed.patience.until_it_takes())
    await turned()
    bed.patience.hold_nobody()
    await turned()

    assert intake.done()
