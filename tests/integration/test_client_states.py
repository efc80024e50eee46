"""What the client tells of jobs from a real object store alone: no broker is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from consumer.core.leases import LeaseState
from contracts.client import ClientConfig, ClientError, StenoClient, StoreClient, SyncStenoClient
from contracts.client.listing import _READS_AT_ONCE
from contracts.state import JobState
from tests.beside import Beside
from tests.stack.store import S3Address
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def beside(s3_address: S3Address, bucket: str) -> AsyncIterator[Beside]:
    async with Beside.opened(s3_address, bucket) as opened:
        yield opened


@pytest.fixture
async def client(beside: Beside) -> AsyncIterator[StenoClient]:
    async with StenoClient(beside.config) as opened:
        yield opened


async def test_of_a_job_that_left_nothing_nothing_is_told(client: StenoClient) -> None:
    assert await client.status("a") is None


async def test_a_status_is_told_as_it_was_written(client: StenoClient, beside: Beside) -> None:
    written = await beside.status("a", JobState.RETRYING, not_before=datetime(2030, 1, 1, tzinfo=UTC))
    found = await client.status("a")
    assert found is not None
    assert found.model_dump(exclude={"cancel_requested_at"}) == written.model_dump(exclude={"schema_version"})


async def test_a_lease_tells_that_a_job_runs_or_was_given_back(client: StenoClient, beside: Beside) -> None:
    await beside.lease("a")
    await beside.lease("c", state=LeaseState.RELEASED)
    found = [await client.status(job_id) for job_id in "ac"]
    assert [(job.state, job.worker) for job in found if job] == [(JobState.RUNNING, "gpu-4"), (JobState.QUEUED, None)]


async def test_a_lease_that_is_not_renewed_tells_that_the_worker_is_lost(client: StenoClient, beside: Beside) -> None:
    await beside.lease("a", ttl_s=0.01)

    async def is_lost() -> bool:
        found = await client.status("a")
        return found is not None and (found.state, found.worker) == (JobState.LOST, "gpu-4")

    await until(is_lost)


async def test_a_manifest_tells_that_a_job_has_completed(client: StenoClient, beside: Beside) -> None:
    await beside.manifest("a")
    await beside.status("a", JobState.FAILED)
    await beside.manifest("b")
    found = [await client.status(job_id) for job_id in "ab"]
    assert [job.state for job in found if job] == [JobState.COMPLETED] * 2


async def test_a_job_id_names_a_job_within_its_tenant(client: StenoClient, beside: Beside) -> None:
    await beside.status("a", JobState.FAILED, "acme")
    await beside.manifest("a")
    mine, theirs = await client.status("a", tenant="acme"), await client.status("a", tenant="other")
    nobodys = await client.status("a")
    assert mine is not None
    assert nobodys is not None
    assert (mine.state, theirs, nobodys.state) == (JobState.FAILED, None, JobState.COMPLETED)


async def test_who_waits_for_a_tenants_job_is_given_no_other_ones_result(client: StenoClient, beside: Beside) -> None:
    await beside.manifest("a", "acme")
    assert (await client.wait("a", tenant="acme")).tenant == "acme"
    assert await client.find_outcome("a", tenant="other") is None
    assert await client.find_outcome("a") is None


@pytest.mark.parametrize(("job_id", "tenant"), [("a/b", None), ("a", ".."), ("", None), ("a", "x" * 65)])
async def test_what_names_nothing_is_refused(client: StenoClient, job_id: str, tenant: str | None) -> None:
    with pytest.raises(ClientError, match=r"is no (job id|tenant)"):
        await client.status(job_id, tenant=tenant)
    with pytest.raises(ClientError, match=r"is no (job id|tenant)"):
        await client.cancel(job_id, tenant=tenant)


async def test_a_bucket_that_is_not_there_is_an_error_and_not_a_queued_job(unique: str) -> None:
    async with StoreClient(ClientConfig(results_prefix=f"s3://{unique}/")) as client:
        with pytest.raises(ClientError, match="there is no such bucket"):
            await client.status("a")
        with pytest.raises(ClientError, match="there is no such bucket"):
            [job async for job in client.jobs()]


async def test_the_job_of_which_something_was_written_last_comes_first(client: StenoClient, beside: Beside) -> None:
    for job_id in ("a", "b", "c"):
        await beside.status(job_id, JobState.FAILED)

    async def leads() -> bool:  # the store tells whole seconds
        await beside.lease("b")
        jobs = [job async for job in client.jobs()]
        return jobs[0].job_id == "b"

    await until(leads)


async def test_jobs_are_listed_by_tenant_state_and_time(client: StenoClient, beside: Beside) -> None:
    states = (JobState.FAILED, JobState.RETRYING)
    many = [f"job-{number:02}" for number in range(_READS_AT_ONCE + 5)]
    for number, job_id in enumerate(many):
        await beside.status(job_id, states[number % 2], "acme" if number % 3 else None)
    await beside.put(".steno/_shared/-/0123", b"{}")
    await beside.put(".steno/-/job-00/more", b"{}")
    await beside.put(".steno/stray", b"{}")
    listed: list[int] = []
    found = [job async for job in client.jobs(on_listed=listed.append)]
    assert sorted(job.job_id for job in found) == many
    assert listed[-1] == len(many) + 1
    retrying = [job async for job in client.jobs(tenant="acme", state=JobState.RETRYING)]
    assert sorted(job.job_id for job in retrying) == [each for n, each in enumerate(many) if n % 2 and n % 3]
    assert sorted([job.job_id async for job in client.jobs(tenant="-")]) == many[::3]
    assert [job async for job in client.jobs(since=datetime.now(UTC) + timedelta(minutes=1))] == []


async def test_a_job_is_listed_as_it_is_told_of_alone(client: StenoClient, beside: Beside) -> None:
    await beside.lease("running")
    await beside.lease("given-back", state=LeaseState.RELEASED)
    await beside.lease("done", state=LeaseState.RELEASED)
    await beside.manifest("done")
    await client.cancel("queued")
    found = {job.job_id: job async for job in client.jobs()}
    assert {job_id: job.state for job_id, job in found.items()} == {
        "running": JobState.RUNNING, "given-back": JobState.QUEUED, "done": JobState.COMPLETED,
        "queued": JobState.QUEUED,
    }  # fmt: skip
    assert found["queued"].cancel_requested_at is not None


async def test_a_marker_is_left_with_who_asked_and_why_and_may_be_left_again(
    client: StenoClient, beside: Beside
) -> None:
    await beside.lease("a")
    before = await client.cancel("a", by="kim", reason="sent by mistake")
    first = await beside.marker("a")
    again = await client.cancel("a", by="kim")
    second = await beside.marker("a")
    assert before is not None
    assert again is not None
    assert first is not None
    assert second is not None
    assert (before.state, before.cancel_requested_at) == (JobState.RUNNING, None)
    assert (first.by, first.reason) == ("kim", "sent by mistake")
    assert again.cancel_requested_at == first.requested_at <= second.requested_at


async def test_what_has_completed_needs_no_marker(client: StenoClient, beside: Beside) -> None:
    await beside.manifest("a", "acme")
    found = await client.cancel("a", tenant="acme")
    assert found is not None
    assert (found.state, await beside.marker("a", "acme")) == (JobState.COMPLETED, None)


async def test_who_gives_too_long_a_reason_hears_of_it(client: StenoClient, beside: Beside) -> None:
    with pytest.raises(ClientError, match="'reason' 1024"):
        await client.cancel("a", reason="x" * 1025)
    assert await beside.marker("a") is None


async def test_it_is_the_same_without_await(beside: Beside) -> None:
    await beside.status("a", JobState.FAILED)
    with SyncStenoClient(beside.config) as client:
        found = client.status("a")
        assert list(client.jobs()) == [found]
        assert client.cancel("a", reason="no") == found
        assert client.status("b", tenant="acme") is None
    marker = await beside.marker("a")
    assert marker is not None
    assert marker.reason == "no"
