"""Whom an outage holds up: intake as a whole, the jobs of one model, or nobody but who met it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from consumer.core.outages import SECOND_OPINION, Dependency
from consumer.turns import Turns, set_current
from contracts.errors import ErrorCode
from tests.unit.patience_bed import LOAD, STORE, Bed, turned


@pytest.fixture
def bed() -> Bed:
    return Bed()


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


async def test_a_model_asked_for_by_name_holds_up_its_own_jobs_alone(bed: Bed) -> None:
    await bed.meets("small", LOAD, model="small")
    await bed.meets("large", LOAD, model="large")
    assert bed.patience.takes()
    assert [outage["model"] for outage in bed.patience.outages] == ["small", "large"]
    bed.patience.answered(Dependency.MODEL, "small")
    assert [outage["model"] for outage in bed.patience.outages] == ["large"]
    await bed.meets("default", LOAD)

    assert not bed.patience.takes()


async def test_whoever_drains_holds_nobody(bed: Bed) -> None:
    await bed.meets("a")
    intake = asyncio.create_task(bed.patience.until_it_takes())
    await turned()
    bed.patience.hold_nobody()
    await turned()

    assert intake.done()


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
