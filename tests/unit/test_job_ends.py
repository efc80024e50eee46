"""How jobs end: cancelled, too late, shared, told again; and what is noted of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.core.failures import TransientError
from consumer.core.locations import state_uri
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent
from contracts.state import CANCEL_NAME, STATUS_NAME, CancelMarker, JobState, StatusDocument
from tests.make import NOW, OUTPUT
from tests.state_objects import Rests, ended, place, status_of
from tests.waiting import until
from tests.worker_bench import STATE, Bench, code_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, rest=lambda _: asyncio.sleep(0))


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
    with capture_logs() as lines:
        async with bench.running():
            await bench.engine.entered.wait()
            await until(lambda: bench.worker.in_flight["parked"] == 2, "the others wait", every_s=0)
            bench.engine.gate.set()
            rests.end()
            await until(lambda: len(bench.outcomes) == 3, "the outcomes", every_s=0)

    told = {event.data.job_id: event.data for event in bench.outcomes if isinstance(event.data, OutcomeEvent)}
    firsts = [job_id for job_id, data in told.items() if data.shared_from is None]
    assert len(bench.engine.heard) == len(firsts) == 1
    assert [line["other"] for line in lines if line["event"] == "job_waits_for_another"] == firsts * 2
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


async def test_a_running_job_ends_at_its_deadline(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("a", deadline=(NOW + timedelta(seconds=5)).isoformat())
    async with bench.running():
        await bench.engine.entered.wait()
        bench.now = NOW + timedelta(seconds=6)
        await until(lambda: len(bench.outcomes) == 1, "the outcome", every_s=0)

    assert [code_of(event) for event in bench.outcomes] == [ErrorCode.DEADLINE_EXCEEDED]
    assert bench.broker.records("dlt") == []


@pytest.mark.parametrize("end", [ErrorCode.CANCELLED, ErrorCode.DEADLINE_EXCEEDED])
async def test_a_job_that_waits_for_its_model_ends_when_it_is_not_wanted(bench: Bench, end: ErrorCode) -> None:
    bench.engine.missing.add(None)
    bench.may_wake.clear()
    bench.request("a", deadline=(NOW + timedelta(seconds=5)).isoformat())
    async with bench.running():
        await until(lambda: bench.worker.in_flight["parked"] == 1, "it waits", every_s=0)
        if end is ErrorCode.CANCELLED:
            marker = CancelMarker(requested_at=NOW + timedelta(days=36500))
            bench.store.put(place(CANCEL_NAME), marker.model_dump_json().encode())
        else:
            bench.now = NOW + timedelta(seconds=6)
        await until(lambda: len(bench.outcomes) == 1, "the outcome", every_s=0)
        assert bench.patience.outages == []

    assert [code_of(event) for event in bench.outcomes] == [end]
    assert bench.committed == 1


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
