"""Runs over a topic: everything once, whoever runs what when, and whatever breaks off."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.desk.entries import CLAIM_LIFE, Standing
from consumer.core.desk.letters import DeadLetter
from consumer.core.desk.orders import Obstacle, Order, Verb
from consumer.core.desk.places import Place
from consumer.core.desk.reports import Report
from consumer.core.desk.selection import Selection
from consumer.core.failures import FatalError, OutageError
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import Record
from consumer.desk.journal import Journal
from consumer.desk.pace import Pace
from consumer.desk.plans import Plan
from consumer.desk.reading import Reading
from consumer.desk.runs import Run, Signature
from consumer.ports import OutboundRecord, RecordRefusedError
from contracts.errors import ErrorCode
from tests.dead_letters import CODES, DLT, make_value, ours, ours_cut, standing_at
from tests.fakes.browser import FakeBrowser
from tests.fakes.store import FakeStore
from tests.make import NOW, make_record

AWAY = OutageError(ErrorCode.BROKER_UNAVAILABLE, "the broker is away")
REPLAY = Order(Verb.REPLAY, parking="parking")


@dataclass
class Outbox:
    """A sink that keeps what it gets, and fails when told to."""

    sent: list[OutboundRecord] = field(default_factory=list)
    failures: dict[bytes, BaseException] = field(default_factory=dict)
    """By key."""
    refuses_batches: bool = False
    """Whether records that come side by side are refused together."""
    under_way: int = 0
    pace: Pace | None = None
    stop_after: int = 10**9

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def publish(self, record: OutboundRecord) -> None:
        if failure := self.failures.get(record.key or b""):
            raise failure
        self.under_way += 1
        await asyncio.sleep(0)
        is_batch, self.under_way = self.under_way > 1, self.under_way - 1
        if is_batch and self.refuses_batches:
            raise RecordRefusedError("too large")
        self.sent.append(record)
        if self.pace and len(self.sent) >= self.stop_after:
            self.pace.stop()

    @property
    def keys(self) -> list[str]:
        return [(record.key or b"").decode() for record in self.sent]


class FailingStore(FakeStore):
    """Takes so many writes and no more."""

    writes_left: int | None = None

    def _enter(self, method: str, uri: str) -> None:
        if method != "read" and self.writes_left is not None:
            if self.writes_left == 0:
                raise OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")
            self.writes_left -= 1
        super()._enter(method, uri)


@dataclass
class Bench:
    """A dead-letter topic with its journal, and a clock."""

    records: Sequence[Record]
    store: FailingStore = field(default_factory=FailingStore)
    outbox: Outbox = field(default_factory=Outbox)
    whole: Record | None = None
    now: datetime = NOW

    @property
    def reading(self) -> Reading:
        browser = FakeBrowser(self.records)
        journal = Journal(self.store, "s3://bucket/.steno/", DLT, "id-1")
        return Reading(browser, journal, browser.extent(DLT), rules=IntakeRules(), now=lambda: self.now)

    async def _find_whole(self, letter: DeadLetter, cut: Record) -> Record | None:
        assert letter.cut is not None
        assert cut.value is None
        return self.whole

    async def run(
        self, order: Order = REPLAY, selection: Selection | None = None, *, run: str = "mine", pace: Pace | None = None
    ) -> Report:
        plan = Plan(order, selection or Selection(), self.reading, self._find_whole, now=lambda: self.now)
        journal = Journal(self.store, "s3://bucket/.steno/", DLT, "id-1")
        running = Run(
            plan, journal, self.outbox, signature=Signature(run, "me"), pace=pace or Pace(None), now=lambda: self.now
        )
        try:
            await running.do(lambda _: None)
        finally:
            self.last = running.report
        return running.report

    async def standings(self) -> list[Standing]:
        reading = self.reading.select(Selection(takes_handled=True))
        return [found.standing async for found in reading]


def make_letters(count: int) -> list[Record]:
    return [
        standing_at(
            ours(make_record(make_value(f"job-{number}"), key=f"job-{number}".encode()), CODES[number % len(CODES)]),
            offset=number * 3, partition=number % 2,
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("verb", list(Verb))
async def test_twice_does_nothing_twice(verb: Verb) -> None:
    bench = Bench(make_letters(10))
    first = await bench.run(Order(verb, parking="parking"), run="first")
    sent = len(bench.outbox.sent)
    second = await bench.run(Order(verb, parking="parking"), run="second")
    assert (first.done, second.meant, len(bench.outbox.sent)) == (10, 0, sent)
    assert sent == (0 if verb is Verb.DROP else 10)
    assert set(await bench.standings()) == {Standing.HANDLED}


async def test_runs_side_by_side_share_the_work() -> None:
    bench = Bench(make_letters(250))
    reports = await asyncio.gather(*(bench.run(run=f"run-{number}") for number in range(4)))
    assert sorted(bench.outbox.keys) == sorted(f"job-{number}" for number in range(250))
    assert sum(report.done for report in reports) == 250


async def test_only_what_is_meant_is_done() -> None:
    bench = Bench(make_letters(14))
    report = await bench.run(selection=Selection(codes=frozenset([CODES[0]]), limit=1))
    assert (report.meant, bench.outbox.keys) == (1, ["job-0"])
    assert (await bench.run(selection=Selection(codes=frozenset([CODES[0]])))).meant == 1


async def test_once_more_bears_another_count() -> None:
    bench = Bench(make_letters(1))
    for run in ("first", "second", "third", "fourth"):
        await bench.run(selection=Selection(takes_handled=True), run=run)
    counts = [dict(record.headers).get("x-steno-replay-count") for record in bench.outbox.sent]
    assert counts == [b"1", b"2", b"3", b"0"]
    assert [record.topic for record in bench.outbox.sent] == ["requests", "requests", "requests", "parking"]


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
    plan = Plan(REPLAY, Selection(), bench.reading, bench._find_whole, now=lambda: bench.now)
    journal = Journal(bench.store, "s3://bucket/.steno/", DLT, "id-1")
    times = iter([NOW, NOW, *[NOW + CLAIM_LIFE + timedelta(seconds=each) for each in range(20)]])
    run = Run(plan, journal, bench.outbox, signature=Signature("a", "me"), pace=Pace(None), now=lambda: next(times))
    await run.do(lambda _: None)
    assert "job-0" not in bench.outbox.keys


async def test_a_cut_record_is_replayed_from_its_original() -> None:
    original = make_record(b"x" * 5000, headers=(("a", b"b"), ("x-steno-attempt", b"1")))
    bench = Bench([standing_at(ours_cut(original))], whole=original)
    assert (await bench.run()).done == 1
    (copy,) = bench.outbox.sent
    assert (copy.topic, copy.key, copy.value) == ("requests", original.key, original.value)
    assert copy.headers == (("a", b"b"), ("x-steno-replay-count", b"1"))


async def test_a_cut_record_without_its_original_stays() -> None:
    bench = Bench([standing_at(ours_cut(make_record(b"x" * 5000)))])
    report = await bench.run()
    assert (report.done, report.obstacles) == (0, {Obstacle.CUT: 1})
    assert "x-steno-truncated-at" in report.complaints[0]
    assert (await bench.run(Order(Verb.PARK, parking="parking"))).done == 1


async def test_a_survey_does_nothing() -> None:
    bench = Bench(make_letters(7))
    plan = Plan(REPLAY, Selection(), bench.reading, bench._find_whole, now=lambda: bench.now)
    report = await plan.survey()
    assert (report.done, report.topics, len(report.codes)) == (7, {"requests": 7}, 7)
    assert not bench.outbox.sent
    assert not bench.store.objects


async def test_the_youngest_are_found_by_time() -> None:
    records = [replace(record, timestamp_ms=record.offset) for record in make_letters(10)]
    bench = Bench(records)
    report = await bench.run(selection=Selection(since_ms=15))
    assert report.done == sum(record.offset >= 15 for record in records)


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


async def test_one_place_is_looked_up() -> None:
    reading = Bench(make_letters(4)).reading
    found = await reading.at(Place(DLT, 0, 6))
    assert found is not None
    assert found.letter.subject.job_id == "job-2"
    assert await reading.at(Place(DLT, 0, 3)) is None
    assert await reading.at(Place(DLT, 9, 6)) is None
