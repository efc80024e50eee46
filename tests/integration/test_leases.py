"""Leases and shared transcriptions on the store at hand, by its own clock, with several workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aioboto3
import pytest

from consumer.adapters.s3_store import S3Store
from consumer.core.failures import LeaseLostError
from consumer.core.leases import Held, LeaseTerms
from consumer.core.locations import transcript_uri
from consumer.lease import Lease, LeaseConfig
from consumer.leases import Leases
from consumer.sharing import Busy, Mine, Ready, Sharing, SharingConfig
from contracts.transcript import ModelIdentity
from tests.make import NOW, make_a_job, make_transcript
from tests.stack.store import S3Address
from tests.waiting import until

SHORT = LeaseTerms(ttl_s=2)
WORKERS = 4
JOB = make_a_job()


@pytest.fixture
async def stores(s3_address: S3Address) -> AsyncIterator[list[S3Store]]:
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(S3Store(session, endpoint_url=s3_address.endpoint)) for _ in range(WORKERS)
        ]


def workers(stores: list[S3Store], bucket: str, terms: LeaseTerms) -> list[Leases]:
    return [
        Leases(store, store, config=LeaseConfig(f"s3://{bucket}/.steno/", f"gpu-{number}", terms))
        for number, store in enumerate(stores)
    ]


@pytest.fixture
def fleet(stores: list[S3Store], bucket: str) -> list[Leases]:
    """Workers whose leases outlast a test."""
    return workers(stores, bucket, LeaseTerms())


@pytest.fixture
def hasty(stores: list[S3Store], bucket: str) -> list[Leases]:
    """Workers whose leases lapse soon."""
    return workers(stores, bucket, SHORT)


async def race(fleet: list[Leases]) -> tuple[Leases, Lease] | None:
    """Who got the job, of workers that all try at once."""
    taken = await asyncio.gather(*(leases.take(JOB) for leases in fleet))
    won = [(leases, one) for leases, one in zip(fleet, taken, strict=True) if isinstance(one, Lease)]
    assert len(won) <= 1
    return won[0] if won else None


async def test_one_worker_has_a_job_while_it_renews_and_one_after_it_fell_silent(hasty: list[Leases]) -> None:
    clock = asyncio.get_running_loop().time
    won = await race(hasty)
    assert won is not None
    leases, lease = won
    kept_until = clock() + SHORT.ttl_s + 1.5

    async def is_time_over() -> bool:
        assert await race(hasty) is None
        return clock() > kept_until

    async with leases.kept(lease):
        await until(is_time_over, "the job is kept", every_s=0.3)

    successors: list[Lease] = []

    async def is_taken_over() -> bool:
        successors.extend(won[1:] if (won := await race(hasty)) else ())
        return bool(successors)

    await until(is_taken_over, "the job is taken over", within_s=10, every_s=0.2)
    assert [one.deliveries for one in successors] == [2]
    with pytest.raises(LeaseLostError):
        await lease.renew()
    await lease.release()
    assert await race(hasty) is None


async def test_a_job_that_is_released_is_taken_at_once_and_by_one(fleet: list[Leases]) -> None:
    for _ in range(5):
        won = await race(fleet)
        assert won is not None
        assert won[1].deliveries == 1
        await won[1].release()


async def test_who_looks_on_sees_who_works(fleet: list[Leases]) -> None:
    assert await fleet[0].find(None, JOB.job_id) is None
    lease = await fleet[0].take(JOB)
    assert isinstance(lease, Lease)
    seen = await fleet[1].find(None, JOB.job_id)
    assert seen is not None
    assert (seen.worker, seen.token) == ("gpu-0", lease.token)
    await lease.release()
    assert await fleet[1].find(None, JOB.job_id) is None


async def test_of_equal_jobs_at_once_one_is_transcribed_and_the_others_share_it(
    fleet: list[Leases], stores: list[S3Store], bucket: str
) -> None:
    config = SharingConfig(f"s3://{bucket}/.steno/", "gpu", "base", {"base": ModelIdentity(name="base", sha256="ab")})
    jobs = [make_a_job(job_id=f"job-{number}", output={"uri": f"s3://{bucket}/out/"}) for number in range(WORKERS)]
    sharings = [
        Sharing(store, leases, config=config, now=lambda: NOW) for store, leases in zip(stores, fleet, strict=True)
    ]
    taken = [await leases.take(job) for leases, job in zip(fleet, jobs, strict=True)]

    async def claim(number: int) -> Mine | Ready | Busy:
        lease = taken[number]
        assert not isinstance(lease, Held)
        return await sharings[number].claim(jobs[number], "cd", lease)

    ends = await asyncio.gather(*map(claim, range(WORKERS)))
    [first] = [number for number, end in enumerate(ends) if isinstance(end, Mine)]
    assert all(end == Busy(f"job-{first}", 2) for number, end in enumerate(ends) if number != first)

    body = make_transcript(job=jobs[first]).model_dump_json().encode()
    assert await stores[0].create(transcript_uri(f"s3://{bucket}/out/", f"job-{first}"), body, "application/json")
    others = [number for number in range(WORKERS) if number != first]
    assert all(isinstance(end, Ready) for end in await asyncio.gather(*map(claim, others)))
