"""Records that ask for several jobs, or for none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from consumer.core.intake.readings import IntakeRules, Reason
from consumer.shutdown import Shutdown
from contracts.errors import ErrorCode
from contracts.events import Kind
from tests.fakes.source import FakeSource
from tests.waiting import until
from tests.worker_bench import MEDIA, Bench, code_of


def _entry(key: str, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {"eventName": event, "s3": {"bucket": {"name": "media"}, "object": {"key": key}}}


async def test_each_record_of_a_notification_ends_alone_and_the_offset_settles_after_all_of_them(bench: Bench) -> None:
    bench.engine.gate.clear()
    records = [_entry("a.mp3"), _entry("gone.mp3"), {}, _entry("a.mp3", "ObjectRemoved:Delete")]
    bench.broker.append("requests", b"", json.dumps({"Records": records}).encode())
    async with bench.running():
        await until(lambda: len(bench.outcomes) == 2, "the two failures", every_s=0)
        assert (bench.committed, bench.engine.running) == (0, 1)
        bench.engine.gate.set()
        await bench.settled(1)

    assert {event.subject: code_of(event) for event in bench.outcomes} == {
        MEDIA: None,
        "s3://media/gone.mp3": ErrorCode.INPUT_NOT_FOUND,
        None: ErrorCode.REQUEST_INVALID,
    }
    letters = [json.loads(letter.value or b"") for letter in bench.broker.records("dlt")]
    assert {"Records": [{}]} in letters
    assert [letter["input"] for letter in letters if "input" in letter] == [{"uri": "s3://media/gone.mp3"}]
    assert bench.worker.ignored == {Reason.OTHER_EVENT: 1}


async def test_records_of_a_notification_take_no_more_slots_than_there_are(bench: Bench) -> None:
    bench.engine.gate.clear()
    for number in range(7):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
    for numbers in ((0, 1, 2, 3), (4, 5, 6)):
        entries = [_entry(f"{number}.mp3") for number in numbers]
        bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running():
        await bench.fills_its_slots()
        bench.engine.gate.set()
        await bench.settled(2)

    assert len(bench.ends) == 7


async def test_a_notification_of_nothing_for_us_frees_its_slot_and_settles(bench: Bench) -> None:
    values = [{"Event": "s3:TestEvent"}, {"Records": []}, {"Records": [_entry("x", "ObjectRemoved:Delete")] * 3}]
    own = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "transcripts"}, "object": {"key": "a/x"}}}
    for value in [*values, own]:
        bench.broker.append("requests", b"", json.dumps(value).encode())
    bench.request("a")
    async with bench.running():
        await bench.settled(5)

    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.worker.ignored == {Reason.OTHER_EVENT: 4, Reason.NO_RECORDS: 1, Reason.OWN_OBJECT: 1}
    assert bench.broker.records("dlt") == []


async def test_a_notification_that_is_not_done_in_time_is_given_back_whole(bench: Bench) -> None:
    bench.grace_s = 0.0
    bench.engine.gate.clear()
    entries = [_entry(f"{number}.mp3") for number in range(5)]
    for number in range(5):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
    bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running() as task:
        await until(lambda: bench.engine.running == 2, "both slots", every_s=0)
        bench.shutdown.request()
        await task

    assert (bench.outcomes, bench.committed, bench.engine.running) == ([], 0, 0)


async def test_a_notification_that_is_half_done_when_a_drain_begins_is_given_back(bench: Bench) -> None:
    bench.engine.gate.clear()
    for number in range(5):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
    entries = [_entry(f"{number}.mp3") for number in range(5)]
    bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running() as task:
        await until(lambda: bench.engine.running == 2, "both slots", every_s=0)
        bench.shutdown.request()
        for _ in range(20):
            await asyncio.sleep(0)
        bench.engine.gate.set()
        await task

    assert (len(bench.ends), bench.committed, len(bench.engine.heard)) == (2, 0, 2)


async def test_a_repeated_notification_costs_no_second_transcription(bench: Bench) -> None:
    for _ in range(2):
        bench.broker.append("requests", b"", json.dumps({"Records": [_entry("a.mp3")]}).encode())
        async with bench.running() as task:
            await bench.settled(1)
            bench.shutdown.request()
            await task
        bench.shutdown = Shutdown()
        bench.source = FakeSource(bench.broker, "requests")

    assert len(bench.engine.heard) == 1
    assert len({event.id for event in bench.outcomes}) == 1


async def test_a_record_on_which_our_reading_breaks_is_set_aside(bench: Bench) -> None:
    bench.intake = IntakeRules(own_prefixes=("no place at all",))
    bench.broker.append("requests", b"", json.dumps(_entry("a.mp3")).encode())
    async with bench.running():
        await bench.settled(1)

    (letter,) = bench.broker.records("dlt")
    assert dict(letter.headers)["x-steno-error-code"] == b"INTERNAL"
    assert letter.value == bench.broker.records("requests")[0].value
