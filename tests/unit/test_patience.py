"""Who waits while a dependency is away, who asks for all, and what is told of it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from consumer.core.failures import OutageError, PermanentError
from consumer.core.outages import Dependency
from contracts.errors import ErrorCode
from tests.unit.patience_bed import LOAD, Bed, turned


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
