"""Waiting for jobs with the client: one consumer for all who wait, each for so long and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.client import ClientConfig, ClientError, EventFeed, StenoClient, WaitTimeoutError
from contracts.events import Kind, ProgressEvent
from tests.integration.telling import REQUEST, TIMEOUT_S, Teller
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("aws_environment")


async def test_a_wait_that_ends_too_early_names_its_job_and_may_be_repeated(
    client: StenoClient, worker: Teller
) -> None:
    job = await client.submit(REQUEST)
    with pytest.raises(WaitTimeoutError, match=r"no outcome after 0\.2 s for .*worker up") as caught:
        await client.wait(job, timeout_s=0.2)
    assert caught.value.job_ids == {job.job_id}
    await worker.tell(Kind.COMPLETED, job.job_id)
    assert (await client.wait(job, timeout_s=TIMEOUT_S)).job_id == job.job_id


async def test_all_who_wait_share_one_consumer(
    client: StenoClient, worker: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    enter = EventFeed.__aenter__

    async def counted(feed: EventFeed) -> EventFeed:
        opened.append(feed)
        return await enter(feed)

    monkeypatch.setattr(EventFeed, "__aenter__", counted)
    jobs = [await client.submit(REQUEST) for _ in range(20)]
    waits = [asyncio.create_task(client.wait(job, timeout_s=TIMEOUT_S)) for job in (*jobs, *jobs)]
    for job in reversed(jobs):
        await worker.tell(Kind.COMPLETED, job.job_id)
    assert [outcome.job_id for outcome in await asyncio.gather(*waits)] == [job.job_id for job in (*jobs, *jobs)]
    late = await client.submit(REQUEST)
    await worker.tell(Kind.COMPLETED, late.job_id)
    await client.wait(late, timeout_s=TIMEOUT_S)
    assert len(opened) == 1


async def test_outcomes_come_as_jobs_end_failures_among_them(client: StenoClient, worker: Teller) -> None:
    await worker.tell(Kind.FAILED, "b", code="INTERNAL")
    found = []
    async for outcome in client.as_completed(["a", "b", "c"], timeout_s=TIMEOUT_S):
        found.append((outcome.job_id, outcome.error.code if outcome.error else None))
        if outcome.job_id == "b":
            await worker.tell(Kind.COMPLETED, "c")
        if outcome.job_id == "c":
            await worker.tell(Kind.COMPLETED, "a")
    assert found == [("b", "INTERNAL"), ("c", None), ("a", None)]


async def test_of_many_jobs_those_that_go_on_are_named(client: StenoClient, worker: Teller) -> None:
    await worker.tell(Kind.COMPLETED, "a")
    outcomes = client.as_completed(["a", "b", "c"], timeout_s=2)
    assert (await anext(outcomes)).job_id == "a"
    with pytest.raises(WaitTimeoutError) as caught:
        await anext(outcomes)
    assert caught.value.job_ids == {"b", "c"}


async def test_progress_is_told_once_and_a_listeners_error_ends_its_own_wait_alone(
    client: StenoClient, worker: Teller
) -> None:
    heard: list[ProgressEvent] = []

    def spoil(_: ProgressEvent) -> None:
        raise LookupError("mine")

    fine = asyncio.create_task(client.wait("a", timeout_s=TIMEOUT_S, on_progress=heard.append))
    bad = asyncio.create_task(client.wait("a", timeout_s=TIMEOUT_S, on_progress=spoil))
    await worker.tell(Kind.PROGRESS, "a")
    with pytest.raises(LookupError, match="mine"):
        await bad
    late = asyncio.create_task(client.wait("b", timeout_s=TIMEOUT_S))  # goes back, and so hears all of it again
    await worker.tell(Kind.COMPLETED, "b")
    await late
    await worker.tell(Kind.COMPLETED, "a")
    assert (await fine).job_id == "a"
    assert [event.done_s for event in heard] == [1.0]


async def test_a_cancelled_wait_leaves_the_others(client: StenoClient, worker: Teller) -> None:
    first, second = (asyncio.create_task(client.wait("a", timeout_s=TIMEOUT_S)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await worker.tell(Kind.COMPLETED, "a")
    assert (await second).job_id == "a"


async def test_a_client_that_closes_ends_its_waits(config: ClientConfig, worker: Teller) -> None:
    async with StenoClient(config) as client:
        heard: list[ProgressEvent] = []
        waiting = asyncio.create_task(client.wait("a", timeout_s=TIMEOUT_S, on_progress=heard.append))
        await worker.tell(Kind.PROGRESS, "a")
        await until(lambda: bool(heard), "the wait is under way")
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_broker_that_is_not_there_is_told_to_all_who_wait(config: ClientConfig) -> None:
    async with StenoClient(replace(config, bootstrap_servers="127.0.0.1:1", answer_timeout_s=10)) as client:
        waits = [client.wait(name, timeout_s=TIMEOUT_S) for name in ("a", "b")]
        errors = await asyncio.gather(*waits, return_exceptions=True)
        assert [isinstance(error, ClientError) for error in errors] == [True, True]
    assert all("127.0.0.1:1" in str(error) for error in errors)


async def test_outcomes_are_read_from_a_moment_on_and_from_now(client: StenoClient, worker: Teller) -> None:
    await worker.tell(Kind.COMPLETED, "before")
    async with asyncio.timeout(TIMEOUT_S), told(client, since=datetime.now(UTC) - timedelta(minutes=1)) as events:
        assert (await anext(events)).data.job_id == "before"
        await worker.tell(Kind.PROGRESS, "no outcome")
        await worker.tell(Kind.COMPLETED, "after")
        assert (await anext(events)).data.job_id == "after"
    async with asyncio.timeout(TIMEOUT_S), told(client, since=None) as events:
        first = asyncio.ensure_future(anext(events))
        while not first.done():
            await worker.tell(Kind.FAILED, "now", code="INTERNAL")
            await asyncio.wait([first], timeout=0.2)
        assert first.result().data.job_id == "now"


@asynccontextmanager
async def told(client: StenoClient, *, since: datetime | None) -> AsyncIterator[Any]:
    events = client.outcomes(since=since)
    try:
        yield events
    finally:
        await events.aclose()
