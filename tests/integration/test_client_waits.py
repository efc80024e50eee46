"""Waiting for jobs with the client: one consumer for all, back to when a job was submitted, the manifest first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aioboto3
import pytest

from contracts import Input, TranscriptionRequest, fingerprint
from contracts.client import ClientConfig, ClientError, EventFeed, JobFailedError, StenoClient, WaitTimeoutError
from contracts.client.jobs import JobHandle
from contracts.events import Kind, ProgressEvent
from tests.integration.telling import Teller, furnished
from tests.stack.store import S3Address
from tests.waiting import until

TIMEOUT_S: Final = 30.0
MEDIA: Final = "s3://media-bucket/a.mp3"
REQUEST: Final = TranscriptionRequest(input=Input(uri=MEDIA))
EXAMPLES: Final = Path(__file__).parents[2] / "contracts" / "examples" / "valid"

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def config(kafka: str, unique: str, bucket: str) -> ClientConfig:
    return await furnished(kafka, unique, results_prefix=f"s3://{bucket}/results/")


@pytest.fixture
async def worker(config: ClientConfig) -> AsyncIterator[Teller]:
    async with Teller.started(config) as teller:
        yield teller


@pytest.fixture
async def client(config: ClientConfig) -> AsyncIterator[StenoClient]:
    async with StenoClient(config) as opened:
        yield opened


async def put_manifest(address: S3Address, uri: str, job_id: str, request: TranscriptionRequest) -> None:
    """As a worker does at the end."""
    manifest: dict[str, Any] = json.loads((EXAMPLES / "manifest.json").read_bytes())
    manifest |= {"job_id": job_id, "fingerprint": fingerprint(request)}
    manifest["outcome"] |= {"job_id": job_id, "manifest": uri}
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    async with session.client("s3", endpoint_url=address.endpoint) as s3:
        await s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())


def handle(config: ClientConfig, job_id: str) -> JobHandle:
    return JobHandle(
        job_id=job_id, input_uri=MEDIA, manifest_uri=f"{config.results_prefix}{job_id}/manifest.json",
        fingerprint=fingerprint(REQUEST), submitted_at=datetime.now(UTC),
    )  # fmt: skip


async def test_a_job_that_has_completed_is_told_of_without_the_broker(
    config: ClientConfig, s3_address: S3Address
) -> None:
    job = handle(config, "done")
    await put_manifest(s3_address, job.manifest_uri, "done", REQUEST)
    async with StenoClient(replace(config, bootstrap_servers="127.0.0.1:1")) as client:
        by_handle, by_id = await client.wait(job, timeout_s=5), await client.wait("done", timeout_s=5)
        assert [outcome async for outcome in client.as_completed([job], timeout_s=5)] == [by_handle]
    assert by_handle == by_id
    assert by_handle.job_id == "done"


async def test_the_result_of_another_request_is_not_taken_for_ours(
    client: StenoClient, config: ClientConfig, s3_address: S3Address, worker: Teller
) -> None:
    job = handle(config, "reused")
    other = REQUEST.model_copy(update={"input": Input(uri="s3://media-bucket/other.mp3")})
    await put_manifest(s3_address, job.manifest_uri, "reused", other)
    await worker.tell(Kind.FAILED, "reused", code="JOB_ID_CONFLICT")
    with pytest.raises(JobFailedError, match="JOB_ID_CONFLICT"):
        await client.wait(job, timeout_s=TIMEOUT_S)


async def test_the_transcript_of_another_request_is_not_read_for_ours(
    client: StenoClient, config: ClientConfig, s3_address: S3Address
) -> None:
    job = handle(config, "reused")
    other = REQUEST.model_copy(update={"input": Input(uri="s3://media-bucket/other.mp3")})
    await put_manifest(s3_address, job.manifest_uri, "reused", other)
    with pytest.raises(ClientError, match="another request under the same job id"):
        await client.fetch_transcript(job)


async def test_what_stands_in_the_manifests_place_and_is_none_is_named(
    client: StenoClient, config: ClientConfig, s3_address: S3Address
) -> None:
    job = handle(config, "odd")
    bucket, _, key = job.manifest_uri.removeprefix("s3://").partition("/")
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with session.client("s3", endpoint_url=s3_address.endpoint) as s3:
        await s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    with pytest.raises(ClientError, match=r"odd/manifest\.json is no result set"):
        await client.wait(job, timeout_s=TIMEOUT_S)


async def test_an_outcome_that_came_before_the_wait_is_found(client: StenoClient, worker: Teller) -> None:
    job = await client.submit(REQUEST)
    await worker.tell(Kind.FAILED, job.job_id, code="MEDIA_CORRUPT", retryable=False)
    with pytest.raises(JobFailedError) as caught:
        await client.wait(job, timeout_s=TIMEOUT_S)
    assert (caught.value.code, caught.value.retryable, caught.value.outcome.job_id) == (
        "MEDIA_CORRUPT", False, job.job_id,
    )  # fmt: skip
    with pytest.raises(JobFailedError, match=f"job {job.job_id}: MEDIA_CORRUPT"):
        await client.wait(job.job_id, timeout_s=TIMEOUT_S)


async def test_another_requests_end_under_the_same_job_id_is_not_ours(client: StenoClient, worker: Teller) -> None:
    theirs = await client.submit(REQUEST.model_copy(update={"job_id": "shared"}))
    await worker.answer(theirs, Kind.COMPLETED)
    other = REQUEST.model_copy(update={"job_id": "shared", "input": Input(uri="s3://media-bucket/other.mp3")})
    ours = await client.submit(other)
    waiting = asyncio.create_task(client.wait(ours, timeout_s=TIMEOUT_S))
    await worker.answer(theirs, Kind.COMPLETED)
    await worker.answer(ours, Kind.FAILED, code="JOB_ID_CONFLICT")
    with pytest.raises(JobFailedError, match="JOB_ID_CONFLICT"):
        await waiting
    assert (await client.wait(theirs, timeout_s=TIMEOUT_S)).input == MEDIA


async def test_a_job_submitted_again_is_not_told_its_earlier_failure(client: StenoClient, worker: Teller) -> None:
    request = REQUEST.model_copy(update={"job_id": "again"})
    first = await client.submit(request)
    await worker.answer(first, Kind.FAILED, code="INPUT_NOT_FOUND")
    second = await client.submit(request)
    with pytest.raises(WaitTimeoutError):
        await client.wait(second, timeout_s=2)
    await worker.answer(second, Kind.COMPLETED)
    assert (await client.wait(second, timeout_s=TIMEOUT_S)).manifest
    assert (await client.wait("again", timeout_s=TIMEOUT_S)).manifest, "of a job's ends the last one counts"
    with pytest.raises(JobFailedError, match="INPUT_NOT_FOUND"):
        await client.wait(first, timeout_s=TIMEOUT_S)


async def test_a_cancelled_job_is_a_failure_of_that_code(client: StenoClient, worker: Teller) -> None:
    await worker.tell(Kind.CANCELLED, "gone", code="CANCELLED")
    with pytest.raises(JobFailedError) as caught:
        await client.wait("gone", timeout_s=TIMEOUT_S)
    assert caught.value.code == "CANCELLED"


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
