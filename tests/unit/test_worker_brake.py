"""A worker at which nearly everything fails stops before it sets aside more."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from consumer.core.brake import BrakeConfig
from consumer.core.failures import ExitCode, FatalError
from contracts.events import Kind
from tests.waiting import until
from tests.worker_bench import Bench


async def test_it_ends_with_its_reason_before_the_letter_that_would_be_one_too_many(bench: Bench) -> None:
    bench.brake = BrakeConfig(run=3)
    bench.engine.errors = [ZeroDivisionError("a bad deploy")] * 10
    for number in range(10):
        bench.request(f"job-{number}")
    with capture_logs() as lines:
        async with bench.running() as task:
            with pytest.raises(FatalError, match="3 jobs in a row failed") as caught:
                await task

    assert caught.value.exit_code is ExitCode.BRAKE
    assert len(bench.broker.records("dlt")) == 2
    assert bench.committed == 2
    (line,) = [line for line in lines if line["event"] == "worker_cannot_go_on"]
    assert (line["exit_code"], line["error"]) == (75, caught.value.message)


async def test_jobs_in_flight_finish_and_nothing_new_is_taken(bench: Bench) -> None:
    bench.brake = BrakeConfig(run=1)
    bench.engine.gate.clear()
    bench.request("begun")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.request("forbidden", output={"uri": "s3://elsewhere/"})
        await until(lambda: bench.worker.received == 2, "the second one", every_s=0)
        for moment in range(50):
            if moment == 25:
                bench.request("late")
            await asyncio.sleep(0)
        bench.engine.gate.set()
        with pytest.raises(FatalError, match="1 OUTPUT_FORBIDDEN"):
            await task

    assert bench.ends == {"begun": Kind.COMPLETED}
    assert (bench.broker.records("dlt"), bench.committed) == ([], 1)


async def test_bad_uploads_stop_nobody(bench: Bench) -> None:
    bench.brake = BrakeConfig(run=2, window=2, share=0.1)
    for _ in range(20):
        bench.broker.append("requests", b"bad", b"not json")
    async with bench.running():
        await bench.settled(20)

    assert len(bench.broker.records("dlt")) == 20


async def test_results_between_failures_keep_it_going(bench: Bench) -> None:
    bench.brake = BrakeConfig(run=2)
    async with bench.running():
        for number in range(6):
            if number % 2:
                bench.engine.errors = [ZeroDivisionError("now and then")]
            bench.request(f"job-{number}")
            await bench.settled(number + 1)

    assert len(bench.broker.records("dlt")) == 3
