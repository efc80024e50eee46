"""Jobs that other workers have, and jobs that cost workers their lives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from consumer.core.leases import LeaseState
from contracts.errors import ErrorCode
from contracts.events import Kind
from contracts.state import CANCEL_NAME, LEASE_NAME, CancelMarker
from tests.make import NOW, OUTPUT
from tests.state_objects import Rests, deliveries_of, ended, lease_of, place, put_lease, status_of
from tests.waiting import until
from tests.worker_bench import Bench, code_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, rest=lambda _: asyncio.sleep(0))


async def test_a_job_that_another_worker_has_is_told_when_that_one_has_ended_it(bench: Bench) -> None:
    bench.request("a")
    await ended(bench)
    result = {uri: body for uri, body in bench.store.objects.items() if uri.startswith(f"{OUTPUT}a/")}
    again = Bench(bench.folder, rest=lambda _: asyncio.sleep(0))
    put_lease(again)
    again.request("a")
    async with again.running():
        await until(lambda: again.worker.in_flight["parked"] == 1, "it waits", every_s=0)
        for uri, body in result.items():
            again.store.put(uri, body)
        await until(lambda: len(again.outcomes) == 1, "the outcome", every_s=0)

    assert again.ends == {"a": Kind.COMPLETED}
    assert again.engine.heard == []
    assert lease_of(again).token == "theirs"


async def test_a_job_that_another_worker_has_holds_up_no_other(bench: Bench) -> None:
    put_lease(bench)
    for job_id in ("a", "b", "c", "d"):
        bench.request(job_id)
    async with bench.running():
        await until(lambda: len(bench.outcomes) == 3, "the other outcomes", every_s=0)

    assert bench.ends == dict.fromkeys(("b", "c", "d"), Kind.COMPLETED)
    assert bench.committed == 0


async def test_a_job_whose_worker_fell_silent_is_run_again_and_counted(bench: Bench) -> None:
    bench.store.clock = lambda: 0.0
    put_lease(bench)
    bench.store.clock = lambda: 100.0
    bench.engine.gate.clear()
    bench.request("a")
    async with bench.running():
        await bench.engine.entered.wait()
        assert (lease_of(bench).deliveries, lease_of(bench).lost_workers) == (2, ("gpu-9",))
        bench.engine.gate.set()
        await until(lambda: len(bench.outcomes) == 1, "the outcome", every_s=0)
        await until(lambda: lease_of(bench).state is LeaseState.RELEASED, "it is released", every_s=0)

    assert lease_of(bench).deliveries == 0
    assert status_of(bench).deliveries == 2


async def test_a_job_that_took_too_many_workers_with_it_is_set_aside_unrun(bench: Bench) -> None:
    bench.store.clock = lambda: 0.0
    put_lease(bench, deliveries=3, lost_workers=("gpu-7", "gpu-8"))
    bench.store.clock = lambda: 100.0
    bench.request("a")
    await ended(bench)

    (event,) = bench.outcomes
    assert code_of(event) == ErrorCode.WORKER_LOST
    assert bench.engine.heard == []
    assert len(bench.broker.records("dlt")) == 1


async def test_a_job_that_is_taken_over_is_given_up_and_not_settled(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("a")
    async with bench.running():
        await bench.engine.entered.wait()
        put_lease(bench)
        await until(lambda: bench.engine.running == 0, "it stops", every_s=0)
        await until(lambda: bench.worker.in_flight["parked"] == 1, "it waits for the other", every_s=0)

    assert bench.outcomes == []
    assert bench.committed == 0


async def test_a_drain_gives_the_lease_back_with_the_job(bench: Bench) -> None:
    bench.engine.turn.clear()
    bench.request("a")
    async with bench.running():
        await until(lambda: place(LEASE_NAME) in bench.store.objects, "the lease", every_s=0)
        await until(lambda: bench.worker.in_flight["not_begun"] == 1, "it waits", every_s=0)
        bench.shutdown.request()
        await until(lambda: lease_of(bench).state is LeaseState.RELEASED, "it is released", every_s=0)

    assert lease_of(bench).deliveries == 0
    assert bench.outcomes == []


async def test_jobs_at_their_last_chance_are_run_one_at_a_time(bench: Bench) -> None:
    bench.store.clock = lambda: 0.0
    for job_id in ("a", "b"):
        put_lease(bench, job_id, deliveries=2, lost_workers=("gpu-8",))
        bench.request(job_id)
    bench.request("c")
    bench.store.clock = lambda: 100.0
    rests = Rests(bench)
    bench.engine.gate.clear()
    async with bench.running():
        await until(lambda: bench.engine.running == 2, "one of them and the third run", every_s=0)
        await until(
            lambda: deliveries_of(bench, "a", "b") == {LeaseState.HELD: 3, LeaseState.RELEASED: 2},
            "b is back",
            every_s=0,
        )
        await until(lambda: bench.worker.in_flight["parked"] == 1, "the other one waits", every_s=0)
        assert bench.engine.running == 2
        bench.engine.gate.set()
        rests.end()
        await until(lambda: len(bench.outcomes) == 3, "the outcomes", every_s=0)

    assert set(bench.ends.values()) == {Kind.COMPLETED}


async def test_a_job_at_its_last_chance_that_is_not_wanted_waits_for_no_other(bench: Bench) -> None:
    bench.store.clock = lambda: 0.0
    for job_id in ("a", "b"):
        put_lease(bench, job_id, deliveries=2, lost_workers=("gpu-8",))
        bench.request(job_id)
    bench.store.put(place(CANCEL_NAME, "b"), CancelMarker(requested_at=NOW).model_dump_json().encode())
    bench.store.clock = lambda: 100.0
    bench.engine.gate.clear()
    async with bench.running():
        await bench.engine.entered.wait()
        await until(lambda: "b" in bench.ends, "the other one ends", every_s=0)
        assert bench.engine.running == 1

    assert bench.ends["b"] is Kind.CANCELLED


async def test_a_last_chance_that_waits_for_a_dependency_holds_up_no_other(bench: Bench) -> None:
    bench.store.clock = lambda: 0.0
    for job_id in ("a", "b"):
        put_lease(bench, job_id, deliveries=2, lost_workers=("gpu-8",))
    bench.store.clock = lambda: 100.0
    bench.may_wake.clear()
    bench.engine.missing.add("odd")
    bench.request("a", options={"model": "odd"})
    bench.request("b")
    async with bench.running():
        await until(lambda: "b" in bench.ends, "the other one ends", every_s=0)

    assert bench.ends == {"b": Kind.COMPLETED}


async def test_who_waits_for_a_job_of_a_partition_that_is_lost_waits_no_longer(bench: Bench) -> None:
    rests = Rests(bench)
    put_lease(bench)
    bench.request("a")
    async with bench.running():
        await until(lambda: bench.worker.in_flight["parked"] == 1, "it waits", every_s=0)
        bench.source.on_assigned({})
        rests.end()
        await until(lambda: bench.worker.in_flight["deliveries"] == 0, "it gives up", every_s=0)

    assert bench.outcomes == []
