"""Runs over a topic: what is meant is done, once, whoever runs what when."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from consumer.core.desk.entries import Standing
from consumer.core.desk.orders import Obstacle, Order, Verb
from consumer.core.desk.places import Place
from consumer.core.desk.selection import Selection
from tests.dead_letters import CODES, DLT, ours_cut, standing_at
from tests.make import make_record
from tests.unit.desk.bench import Bench, make_letters


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
    report = await bench.plan().survey()
    assert (report.done, report.topics, len(report.codes)) == (7, {"requests": 7}, 7)
    assert not bench.outbox.sent
    assert not bench.store.objects


async def test_the_youngest_are_found_by_time() -> None:
    records = [replace(record, timestamp_ms=record.offset) for record in make_letters(10)]
    bench = Bench(records)
    report = await bench.run(selection=Selection(since_ms=15))
    assert report.done == sum(record.offset >= 15 for record in records)


async def test_one_place_is_looked_up() -> None:
    reading = Bench(make_letters(4)).reading
    found = await reading.at(Place(DLT, 0, 6))
    assert found is not None
    assert found.letter.subject.job_id == "job-2"
    assert await reading.at(Place(DLT, 0, 3)) is None
    assert await reading.at(Place(DLT, 9, 6)) is None
