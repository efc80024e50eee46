"""Which end a waiting client takes for its job's: by manifest, by request, by code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aioboto3
import pytest

from contracts import Input, TranscriptionRequest, fingerprint
from contracts.client import ClientConfig, ClientError, JobFailedError, StenoClient, WaitTimeoutError
from contracts.client.jobs import JobHandle
from contracts.events import Kind
from tests.integration.telling import MEDIA, REQUEST, TIMEOUT_S, Teller
from tests.stack.store import S3Address

pytestmark = pytest.mark.usefixtures("aws_environment")

EXAMPLES: Final = Path(__file__).parents[2] / "contracts" / "examples" / "valid"


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
