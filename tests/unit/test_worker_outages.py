"""What a worker does while something that its jobs need is away."""

from __future__ import annotations

import asyncio
import json
from typing import IO

from consumer.core.failures import OutageError
from consumer.core.speech import FetchedObject
from contracts.errors import ErrorCode
from contracts.events import Kind
from contracts.requests import Input
from tests.fakes.store import FakeStore
from tests.waiting import until
from tests.worker_bench import MEDIA, Bench

AWAY = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")
ODD = "s3://media/odd.mp3"


async def turned() -> None:
    """Lets the loop turn."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_while_the_store_is_away_nothing_further_is_taken_and_then_all_finish(bench: Bench) -> None:
    bench.may_wake.clear()
    bench.store.fail_next("read", *[AWAY] * 6)
    for number in range(20):
        bench.request(f"job-{number}")
    async with bench.running():
        await until(lambda: bool(bench.pauses), "it waits", every_s=0)
        await turned()
        assert bench.worker.received <= 2
        assert bench.worker.pauses[ErrorCode.STORAGE_UNAVAILABLE]
        assert [outage["code"] for outage in bench.worker.outages] == [ErrorCode.STORAGE_UNAVAILABLE]
        bench.may_wake.set()
        await bench.settled(20)
        assert not any(bench.worker.pauses.values())
        assert bench.worker.in_flight["parked"] == 0

    assert bench.ends == {f"job-{number}": Kind.COMPLETED for number in range(20)}
    assert bench.broker.records("dlt") == []


async def test_a_result_that_cannot_be_written_costs_no_second_transcription(bench: Bench) -> None:
    bench.store.fail_next("create", AWAY, AWAY)
    bench.store.fail_next("write", AWAY)
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    assert bench.ends == {"a": Kind.COMPLETED}
    assert len(bench.engine.heard) == 1


async def test_what_comes_while_something_is_away_goes_back_until_it_is_there(bench: Bench) -> None:
    async with bench.running():
        await turned()  # a receive is under way
        bench.may_wake.clear()
        bench.store.fail_next("read", AWAY)
        waiting = asyncio.create_task(bench.patience.outlast("read", lambda: bench.store.read(MEDIA)))
        await until(lambda: bool(bench.pauses), "it waits", every_s=0)
        bench.request("a")
        await turned()
        assert (bench.worker.received, bench.worker.in_flight["deliveries"]) == (0, 0)
        bench.may_wake.set()
        await bench.settled(1)
        await waiting

    assert bench.ends == {"a": Kind.COMPLETED}


async def test_further_jobs_of_a_notification_do_not_begin_while_something_is_away(bench: Bench) -> None:
    bench.may_wake.clear()
    bench.store.fail_next("fetch", AWAY, AWAY)
    entries = []
    for number in range(6):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
        s3 = {"bucket": {"name": "media"}, "object": {"key": f"{number}.mp3"}}
        entries.append({"eventName": "ObjectCreated:Put", "s3": s3})
    bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running():
        await until(lambda: bool(bench.pauses), "it waits", every_s=0)
        await turned()
        assert [uri for method, uri in bench.store.calls if method == "fetch"] == [
            "s3://media/0.mp3", "s3://media/1.mp3"
        ]  # fmt: skip
        bench.may_wake.set()
        await bench.settled(1)

    assert len(bench.outcomes) == 6


class OddStore(FakeStore):
    """Never comes to an end with one object."""

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        if source.uri == ODD:
            raise AWAY
        return await super().fetch(source, into, max_bytes=max_bytes)


async def test_objects_at_which_the_store_breaks_hold_up_nobody_for_ever(bench: Bench) -> None:
    bench.store = OddStore(bench.store.versions)
    bench.store.put(ODD, b"hello")
    for number in range(5):  # more than there are slots
        bench.request(f"odd-{number}", input={"uri": ODD})
    for number in range(5):
        bench.request(f"job-{number}")
    async with bench.running():
        await until(lambda: len(bench.ends) == 5, "the others", every_s=0)
        assert bench.broker.records("dlt") == []

    assert bench.ends == {f"job-{number}": Kind.COMPLETED for number in range(5)}


async def test_jobs_of_a_model_that_cannot_be_loaded_wait_and_those_of_others_are_done(bench: Bench) -> None:
    bench.engine.missing.add("small")
    bench.may_wake.clear()
    for number in range(5):
        bench.request(f"small-{number}", options={"model": "small"})
    for number in range(5):
        bench.request(f"job-{number}")
    async with bench.running():
        await until(lambda: len(bench.ends) == 5, "the others", every_s=0)
        await turned()
        assert set(bench.ends) == {f"job-{number}" for number in range(5)}
        assert bench.worker.in_flight == {"deliveries": 5, "not_begun": 5, "parked": 5}
        assert bench.engine.loads_failed == 5
        assert not any(bench.worker.pauses.values())
        bench.engine.missing.clear()
        bench.may_wake.set()
        await bench.settled(10)

    assert len(bench.ends) == 10


async def test_a_drain_gives_back_at_once_what_is_parked(bench: Bench) -> None:
    bench.engine.missing.add("small")
    bench.may_wake.clear()
    for number in range(5):
        bench.request(f"small-{number}", options={"model": "small"})
    async with bench.running() as task:
        await until(lambda: bench.worker.in_flight["parked"] == 5, "they wait", every_s=0)
        bench.shutdown.request()
        async with asyncio.timeout(1):  # far less than the grace time
            await task

    assert (bench.outcomes, bench.committed) == ([], 0)
