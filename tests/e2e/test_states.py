"""What a worker leaves beside its jobs: who asks object storage hears how they are, and who cancels is heeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts import JobState, Kind
from contracts.client import ClientConfig, StoreClient
from tests import media
from tests.e2e.fleet import Deployment, data_of
from tests.waiting import until

FAKE = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "1"}
ENDLESS = {"initial_prompt": "fake:slow=600"}


@pytest.fixture
async def client(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StoreClient]:
    """One without a broker."""
    for name, value in deployment.address.environment().items():
        monkeypatch.setenv(name, value)
    async with StoreClient(ClientConfig(bootstrap_servers="127.0.0.1:1", results_prefix=deployment.output)) as opened:
        yield opened


async def a_request(deployment: Deployment, job_id: str, **fields: Any) -> dict[str, Any]:
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(16_000))
    return {"job_id": job_id, "input": {"uri": await deployment.upload(path)}, **fields}


async def is_(client: StoreClient, state: JobState, job_id: str, tenant: str | None = None) -> bool:
    found = await client.status(job_id, tenant=tenant)
    return found is not None and found.state is state


async def test_object_storage_alone_tells_how_jobs_are(deployment: Deployment, client: StoreClient) -> None:
    await deployment.start_worker(**FAKE | {"STENO_ENGINE__SLOTS": "2"})  # one is never free again
    good = await a_request(deployment, "good", tenant="acme")
    await deployment.publish(
        good,
        {"job_id": "missing", "input": {"uri": f"s3://{deployment.prefix}/media/none.wav"}},
        await a_request(deployment, "long", options=ENDLESS),
    )
    await until(lambda: is_(client, JobState.RUNNING, "long"), "a job runs")
    await until(lambda: is_(client, JobState.COMPLETED, "good", "acme"), "a job completes")
    await until(lambda: is_(client, JobState.FAILED, "missing"), "a job fails")

    done, missing = await client.status("good", tenant="acme"), await client.status("missing")
    assert done is not None
    assert missing is not None
    assert (done.manifest, done.attempt) == (f"{deployment.output}good/manifest.json", 1)
    assert done.sent_at is not None
    assert done.started_at is not None
    assert done.updated_at is not None
    assert done.sent_at < done.started_at < done.updated_at
    assert missing.error is not None
    assert (missing.error.code, missing.attempt) == ("INPUT_NOT_FOUND", 2)
    listed = {(job.job_id, job.tenant): job.state async for job in client.jobs()}
    assert listed[("good", "acme")] is JobState.COMPLETED
    assert listed[("long", None)] is JobState.RUNNING


async def test_one_tenants_result_is_never_told_to_another(deployment: Deployment, client: StoreClient) -> None:
    await deployment.start_worker(**FAKE)
    request = await a_request(deployment, "one-id")
    await deployment.publish({**request, "tenant": "acme"})
    await deployment.outcomes(1)
    await deployment.publish({**request, "tenant": "other"}, {**request, "job_id": None, "tenant": "other"})

    ends = {(data_of(each).tenant, data_of(each).outcome): data_of(each) for each in await deployment.outcomes(3)}
    refused = ends["other", Kind.FAILED]
    assert refused.error is not None
    assert (refused.error.code, refused.manifest) == ("JOB_ID_CONFLICT", None)
    assert ends["other", Kind.COMPLETED].manifest != ends["acme", Kind.COMPLETED].manifest
    assert await is_(client, JobState.COMPLETED, "one-id", "acme")
    assert not await is_(client, JobState.COMPLETED, "one-id", "other")


async def test_a_cancelled_job_does_not_run_and_runs_when_it_is_sent_again(
    deployment: Deployment, client: StoreClient
) -> None:
    request = await a_request(deployment, "early")
    await deployment.publish(request)
    assert await client.cancel("early", by="kim", reason="sent by mistake") is None
    worker = await deployment.start_worker(**FAKE)
    (event,) = await deployment.outcomes(1)
    outcome = data_of(event)
    assert outcome.error is not None
    assert (outcome.outcome, outcome.error.code) == (Kind.CANCELLED, "CANCELLED")
    assert outcome.error.message.startswith("cancelled by kim at ")
    assert outcome.error.message.endswith(": sent by mistake")
    await until(lambda: is_(client, JobState.CANCELLED, "early"), "it is noted")
    assert await deployment.files("early") == {}

    await deployment.publish(request)
    await until(lambda: is_(client, JobState.COMPLETED, "early"), "it runs when it is sent again")
    assert [line["outcome"] for line in worker.events("job_settled")] == ["cancelled", "completed"]


async def test_a_job_that_runs_is_cancelled_within_seconds_and_makes_room(
    deployment: Deployment, client: StoreClient
) -> None:
    await deployment.start_worker(**FAKE)
    await deployment.publish(await a_request(deployment, "endless", options=ENDLESS))
    await until(lambda: is_(client, JobState.RUNNING, "endless"), "it runs")
    before = await client.cancel("endless")
    assert before is not None
    assert before.state is JobState.RUNNING
    await deployment.publish(await a_request(deployment, "next"))
    ends = {data_of(each).job_id: data_of(each).outcome for each in await deployment.outcomes(2, within_s=30.0)}
    assert ends == {"endless": Kind.CANCELLED, "next": Kind.COMPLETED}
    assert await deployment.read(deployment.dead_letters, 0) == []
