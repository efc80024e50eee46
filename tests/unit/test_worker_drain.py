"""The end of a worker, asked for or not: what is finished, and what is given back."""

from __future__ import annotations

import asyncio

import pytest

from consumer.core.failures import ExitCode, FatalError, OutageError
from contracts.errors import ErrorCode
from contracts.events import Kind
from tests.waiting import until
from tests.worker_bench import AWAY, Bench


async def test_a_drain_finishes_what_is_in_flight_and_takes_nothing_new(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("a")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.shutdown.request()
        for _ in range(10):
            await asyncio.sleep(0)
        bench.request("late")
        bench.engine.gate.set()
        await task

    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.committed == 1


@pytest.mark.parametrize("grace_s", [0.0, 10.0])
async def test_what_is_not_done_in_time_or_in_a_hurry_is_given_back(bench: Bench, grace_s: float) -> None:
    bench.grace_s = grace_s
    bench.engine.gate.clear()
    bench.request("a")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.shutdown.request()
        await asyncio.sleep(0)
        bench.shutdown.request()
        await task

    assert (bench.outcomes, bench.committed, bench.engine.running) == ([], 0, 0)


async def test_a_drain_gives_back_at_once_what_has_not_begun(bench: Bench) -> None:
    bench.store.fail_next("fetch", *[OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")] * 100_000)
    bench.request("a")
    bench.request("b")
    async with bench.running() as task:
        await until(lambda: len(bench.pauses) > 3, "it waits for the store", every_s=0)
        bench.shutdown.request()
        async with asyncio.timeout(1):  # far less than the grace time
            await task

    assert (bench.outcomes, bench.committed) == ([], 0)


async def test_a_drain_finishes_what_has_begun_and_gives_back_what_waits_beside_it(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("begun")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.engine.turn.clear()
        bench.request("waits")
        await until(lambda: len(bench.broker.records("progress")) == 2, "it is fetched", every_s=0)
        bench.shutdown.request()
        for _ in range(20):
            await asyncio.sleep(0)
        bench.engine.gate.set()
        await task

    assert bench.ends == {"begun": Kind.COMPLETED}
    assert bench.committed == 1


async def test_a_failure_that_waits_for_the_broker_is_told_before_the_drain_ends(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"not json")
    bench.request("absent", input={"uri": "s3://media/absent"})
    bench.sink.fail_next(*[AWAY] * 50)
    async with bench.running() as task:
        await until(lambda: len(bench.pauses) > 3, "it waits for the broker", every_s=0)
        bench.shutdown.request()
        await task

    assert bench.ends == {None: Kind.FAILED, "absent": Kind.FAILED}
    assert bench.committed == 2


async def test_a_source_that_cannot_go_on_ends_the_worker_after_the_drain(bench: Bench) -> None:
    bench.request("a")
    async with bench.running() as task:
        await bench.settled(1)
        bench.source.fail(FatalError(ExitCode.REFUSED, "not allowed any more"))
        with pytest.raises(FatalError, match="not allowed"):
            await task

    assert bench.ends == {"a": Kind.COMPLETED}


async def test_a_delivery_that_cannot_be_settled_ends_the_worker_and_stays_open(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"not json")
    bench.sink.fail_next(ZeroDivisionError("a defect"))
    async with bench.running() as task:
        with pytest.raises(FatalError, match="defect") as caught:
            await task

    assert caught.value.exit_code is ExitCode.INTERNAL
    assert bench.committed == 0
