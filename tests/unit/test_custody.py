"""Jobs that others have, that nobody wants any more, or that cost workers their lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.core.failures import OutageError, TransientError
from consumer.core.leases import LeaseDocument, LeaseState, read_lease
from consumer.core.locations import state_uri
from consumer.ports import EngineResult, Samples
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent
from contracts.requests import Options
from contracts.state import CANCEL_NAME, LEASE_NAME, STATUS_NAME, CancelMarker, JobState, StatusDocument
from tests.fakes.engine import FakeEngine
from tests.make import NOW, OUTPUT
from tests.waiting import until
from tests.worker_bench import STATE, Bench, code_of

HELD = LeaseDocument(worker="gpu-9", token="theirs", deliveries=1, ttl_s=15, taken_at=NOW)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, rest=lambda _: asyncio.sleep(0))


def place(name: str, job_id: str = "a") -> str:
    return state_uri(STATE, None, job_id, name)


class Rests:
    """Every pause of a bench lasts until they end."""

    def __init__(self, bench: Bench) -> None:
        self._are_over = asyncio.Event()
        bench.rest = self._rest

    def end(self) -> None:
        self._are_over.set()

    async def _rest(self, _: float) -> None:
        await self._are_over.wait()
        await asyncio.sleep(0)


class EngineWithoutOdd(FakeEngine):
    """Never gets the weights of one model."""

    async def transcribe(self, samples: Samples, options: Options, *hear: Callable[..., None]) -> EngineResult:
        if options.model == "odd":
            raise OutageError(ErrorCode.MODEL_LOAD_FAILED, "no such weights")
        return await super().transcribe(samples, options, *hear)


def put_lease(bench: Bench, job_id: str = "a", **changes: Any) -> None:
    bench.store.put(place(LEASE_NAME, job_id), HELD.model_copy(update=changes).model_dump_json().encode())


def lease_of(bench: Bench, job_id: str = "a") -> LeaseDocument:
    found = read_lease(bench.store.objects[place(LEASE_NAME, job_id)])
    assert found is not None
    return found


def deliveries_of(bench: Bench, *job_ids: str) -> dict[LeaseState, int]:
    leases = [lease_of(bench, job_id) for job_id in job_ids]
    return {lease.state: lease.deliveries for lease in leases}


def status_of(bench: Bench, job_id: str = "a") -> StatusDocument:
    return StatusDocument.model_validate_json(bench.store.objects[place(STATUS_NAME, job_id)])


async def ended(bench: Bench, count: int = 1) -> None:
    async with bench.running():
        await until(lambda: len(bench.outcomes) >= count, "the outcomes", every_s=0)


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


@pytest.mark.parametrize("is_running", [False, True])
async def test_a_cancelled_job_ends_as_cancelled(bench: Bench, *, is_running: bool) -> None:
    marker = CancelMarker(requested_at=NOW + timedelta(days=36500), by="ops", reason="wrong file")
    cancelled = marker.model_dump_json().encode()
    bench.engine.gate.clear()
    if not is_running:
        bench.store.put(place(CANCEL_NAME), cancelled)
    bench.request("a")
    async with bench.running():
        if is_running:
            await bench.engine.entered.wait()
            bench.store.put(place(CANCEL_NAME), cancelled)
        await until(lambda: len(bench.outcomes) == 1, "the outcome", every_s=0)

    (event,) = bench.outcomes
    assert isinstance(event.data, OutcomeEvent)
    assert (event.data.outcome, code_of(event)) == (Kind.CANCELLED, ErrorCode.CANCELLED)
    assert event.data.error is not None
    assert "wrong file" in event.data.error.message
    assert status_of(bench).state is JobState.CANCELLED
    assert bench.broker.records("dlt") == []
    assert bench.committed == 1


async def test_a_job_past_its_deadline_is_not_begun(bench: Bench) -> None:
    bench.request("a", deadline=(NOW - timedelta(seconds=1)).isoformat())
    bench.request("b", deadline=datetime(2100, 1, 1, tzinfo=UTC).isoformat())
    await ended(bench, 2)

    ends = {event.data.job_id: code_of(event) for event in bench.outcomes if isinstance(event.data, OutcomeEvent)}
    assert ends == {"a": ErrorCode.DEADLINE_EXCEEDED, "b": None}
    assert len(bench.engine.heard) == 1


async def test_each_end_is_noted_where_people_look(bench: Bench) -> None:
    bench.request("a")
    bench.request("b", input={"uri": "s3://media/none.mp3"})
    await ended(bench, 2)

    assert (status_of(bench).state, status_of(bench).manifest) == (JobState.COMPLETED, f"{OUTPUT}a/manifest.json")
    failed = status_of(bench, "b")
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == ErrorCode.INPUT_NOT_FOUND


async def test_jobs_of_the_same_content_share_one_transcription(bench: Bench) -> None:
    bench.shares = True
    rests = Rests(bench)
    bench.engine.gate.clear()
    for job_id in ("a", "b", "c"):
        bench.request(job_id, metadata={"case": job_id})
    async with bench.running():
        await bench.engine.entered.wait()
        await until(lambda: bench.worker.in_flight["parked"] == 2, "the others wait", every_s=0)
        bench.engine.gate.set()
        rests.end()
        await until(lambda: len(bench.outcomes) == 3, "the outcomes", every_s=0)

    told = {event.data.job_id: event.data for event in bench.outcomes if isinstance(event.data, OutcomeEvent)}
    firsts = [job_id for job_id, data in told.items() if data.shared_from is None]
    assert len(bench.engine.heard) == len(firsts) == 1
    assert {data.shared_from for data in told.values()} == {None, *firsts}
    assert {job_id: data.metadata["case"] for job_id, data in told.items()} == {name: name for name in ("a", "b", "c")}
    texts = {bench.store.objects[f"{OUTPUT}{job_id}/transcript.txt"] for job_id in told}
    assert texts == {b"hello #1\n"}


async def test_jobs_of_different_tenants_share_nothing(bench: Bench) -> None:
    bench.shares = True
    bench.request("a", tenant="red")
    bench.request("b", tenant="blue")
    await ended(bench, 2)

    assert len(bench.engine.heard) == 2


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


async def test_a_last_chance_that_waits_for_a_dependency_holds_up_no_other(bench: Bench) -> None:
    bench.store.clock = lambda: 0.0
    for job_id in ("a", "b"):
        put_lease(bench, job_id, deliveries=2, lost_workers=("gpu-8",))
    bench.store.clock = lambda: 100.0
    bench.may_wake.clear()
    bench.engine = EngineWithoutOdd()
    bench.request("a", options={"model": "odd"})
    bench.request("b")
    async with bench.running():
        await until(lambda: "b" in bench.ends, "the other one ends", every_s=0)

    assert bench.ends == {"b": Kind.COMPLETED}


async def test_a_running_job_ends_at_its_deadline(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("a", deadline=(NOW + timedelta(seconds=5)).isoformat())
    async with bench.running():
        await bench.engine.entered.wait()
        bench.now = NOW + timedelta(seconds=6)
        await until(lambda: len(bench.outcomes) == 1, "the outcome", every_s=0)

    assert [code_of(event) for event in bench.outcomes] == [ErrorCode.DEADLINE_EXCEEDED]
    assert bench.broker.records("dlt") == []


async def test_a_job_that_is_transcribed_is_not_cancelled_any_more(bench: Bench) -> None:
    marker = CancelMarker(requested_at=NOW + timedelta(days=36500))
    written = asyncio.Event()
    write = bench.store.write

    async def slow_write(uri: str, body: bytes, content_type: str) -> None:
        if uri.endswith(".txt"):
            bench.store.put(place(CANCEL_NAME), marker.model_dump_json().encode())
            for _ in range(50):
                await asyncio.sleep(0)
            written.set()
        await write(uri, body, content_type)

    bench.store.write = slow_write  # type: ignore[method-assign]  # an instance of this test alone
    bench.request("a")
    await ended(bench)

    assert written.is_set()
    assert bench.ends == {"a": Kind.COMPLETED}


async def test_one_tenant_s_id_conflict_is_told_under_its_own_name(bench: Bench) -> None:
    bench.request("a", tenant="red")
    bench.request("a", tenant="blue")
    await ended(bench, 2)

    bodies = [bench.store.objects[state_uri(STATE, tenant, "a", STATUS_NAME)] for tenant in ("red", "blue")]
    states = [StatusDocument.model_validate_json(body).state for body in bodies]
    assert sorted(states) == [JobState.COMPLETED, JobState.FAILED]


async def test_a_conflicting_request_leaves_the_status_of_the_job_alone(bench: Bench) -> None:
    bench.request("a")
    bench.request("a", options={"task": "translate"})
    await ended(bench, 2)

    assert status_of(bench).state is JobState.COMPLETED


async def test_a_failure_that_was_told_is_told_again_and_not_set_aside_again(bench: Bench) -> None:
    bench.engine.errors = [TransientError(ErrorCode.ENGINE_CRASHED, "crashed")]
    bench.request("a")
    await ended(bench)
    (first,) = bench.outcomes
    again = Bench(bench.folder, store=bench.store, rest=lambda _: asyncio.sleep(0))
    again.request("a")  # the fake's clock stands still: it is the same sending, whose offset was not committed
    await ended(again)

    (repeated,) = again.outcomes
    assert (repeated.id, repeated.data) == (first.id, first.data)
    assert again.broker.records("dlt") == []
    assert again.engine.heard == []


async def test_a_job_that_failed_and_is_sent_again_is_run(bench: Bench) -> None:
    bench.engine.errors = [TransientError(ErrorCode.ENGINE_CRASHED, "crashed")]
    bench.request("a")
    await ended(bench)
    status = status_of(bench)
    assert status.sent_at is not None
    earlier = status.model_copy(update={"sent_at": status.sent_at - timedelta(seconds=60)})
    bench.store.put(place(STATUS_NAME), earlier.model_dump_json().encode())
    again = Bench(bench.folder, store=bench.store, rest=lambda _: asyncio.sleep(0))
    again.request("a")
    await ended(again)

    assert again.ends == {"a": Kind.COMPLETED}


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
