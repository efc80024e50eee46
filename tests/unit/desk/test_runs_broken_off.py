"""Runs that break off, or meet a broker or store that does: nothing is lost, and a repeat is the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.desk.entries import CLAIM_LIFE, Standing
from consumer.core.desk.orders import Obstacle
from consumer.core.failures import FatalError, OutageError
from consumer.desk.pace import Pace
from consumer.desk.runs import Run, Signature
from consumer.ports import RecordRefusedError
from contracts.errors import ErrorCode
from tests.make import NOW
from tests.unit.desk.bench import AWAY, Bench, Outbox, make_letters


async def test_a_crash_before_the_note_repeats_with_the_same_count() -> None:
    bench = Bench(make_letters(2))
    bench.store.fail_next("replace", *[OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")] * 9)
    with pytest.raises(FatalError, match="journal"):
        await bench.run(run="dead")
    assert bench.outbox.keys == ["job-0"]
    bench.store._failures.clear()
    assert (await bench.run(run="too early")).busy == 1
    bench.now += CLAIM_LIFE
    report = await bench.run(run="later")
    assert (report.doubtful, report.done) == (1, 1)
    assert bench.outbox.keys == ["job-0", "job-1", "job-0"]
    first, again = bench.outbox.sent[0], bench.outbox.sent[2]
    assert first == again


async def test_a_broker_that_is_away_leaves_the_rest_open() -> None:
    bench = Bench(make_letters(6))
    bench.outbox.failures[b"job-2"] = AWAY
    with pytest.raises(FatalError, match="run it again"):
        await bench.run()
    assert bench.last.done < 6
    bench.outbox.failures.clear()
    await bench.run(run="again")
    assert sorted(bench.outbox.keys) == [f"job-{number}" for number in range(6)]


async def test_a_record_that_is_refused_does_not_stop_the_others() -> None:
    bench = Bench(make_letters(6))
    bench.outbox.failures[b"job-2"] = RecordRefusedError("too large")
    report = await bench.run()
    assert (report.done, report.obstacles) == (5, {Obstacle.REFUSED: 1})
    assert (await bench.standings()).count(Standing.OPEN) == 1


async def test_a_batch_that_is_refused_for_one_record_is_sent_one_by_one() -> None:
    bench = Bench(make_letters(6))
    bench.outbox.refuses_batches = True
    assert (await bench.run()).done == 6
    assert sorted(bench.outbox.keys) == [f"job-{number}" for number in range(6)]


async def test_it_stops_between_two_records() -> None:
    pace = Pace(None)
    bench = Bench(make_letters(300), outbox=Outbox(pace=pace, stop_after=5))
    report = await bench.run(pace=pace)
    assert 5 <= report.done < 300
    standings = await bench.standings()
    assert standings.count(Standing.HANDLED) == report.done == len(bench.outbox.sent)
    assert standings.count(Standing.OPEN) == 300 - report.done


async def test_cancelled_it_notes_what_was_sent() -> None:
    bench = Bench(make_letters(4))
    bench.outbox.failures[b"job-2"] = asyncio.CancelledError()
    pace = Pace(None)
    bench.outbox.pace, bench.outbox.stop_after = pace, 1
    await bench.run(pace=pace)
    assert (await bench.standings()).count(Standing.HANDLED) == len(bench.outbox.sent)


async def test_a_claim_that_grew_old_is_not_used() -> None:
    bench = Bench(make_letters(2))
    times = iter([NOW, NOW, *[NOW + CLAIM_LIFE + timedelta(seconds=each) for each in range(20)]])
    run = Run(
        bench.plan(), bench.journal, bench.outbox,
        signature=Signature("a", "me"), pace=Pace(None), now=lambda: next(times),
    )  # fmt: skip
    await run.do(lambda _: None)
    assert "job-0" not in bench.outbox.keys


@given(
    runs=st.lists(
        st.tuples(
            st.none() | st.integers(0, 7),  # the store is gone from this write of the run on
            st.sets(st.integers(0, 11), max_size=2),  # the broker takes none of these
            st.integers(0, 400),  # seconds until the next run
        ),
        max_size=6,
    )
)
def test_whatever_breaks_off_everything_is_sent_and_repeats_are_the_same(
    runs: list[tuple[int | None, set[int], int]],
) -> None:
    bench = Bench(make_letters(12))
    broke_off = asyncio.run(_in_turn(bench, runs))
    sent = Counter(bench.outbox.keys)
    assert set(sent) == {f"job-{number}" for number in range(12)}
    assert len(set(bench.outbox.sent)) == 12  # a repeated copy is the same, its replay count included
    assert broke_off or max(sent.values()) == 1


async def _in_turn(bench: Bench, runs: list[tuple[int | None, set[int], int]]) -> bool:
    """Runs one after the other, then one to the end; whether any broke off."""
    broke_off = False
    for number, (writes, refused, pause_s) in enumerate(runs):
        bench.store.writes_left = writes
        bench.outbox.failures = {f"job-{each}".encode(): AWAY for each in refused}
        try:
            await bench.run(run=f"run-{number}")
        except FatalError:
            broke_off = True
        bench.now += timedelta(seconds=pause_s)
    bench.store.writes_left, bench.outbox.failures = None, {}
    bench.now += CLAIM_LIFE
    await bench.run(run="last")
    assert set(await bench.standings()) == {Standing.HANDLED}
    return broke_off
