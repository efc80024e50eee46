"""Who gets a job, who loses it, and what is counted; over a store in memory."""

from __future__ import annotations

import asyncio

import pytest

from consumer.core.failures import LeaseLostError, OutageError
from consumer.core.leases import Held
from consumer.lease import Lease
from contracts.errors import ErrorCode
from tests.fakes.store import FakeStore
from tests.leasing import AWAY, JOB, PLACE, Ward, taken
from tests.make import make_a_job


@pytest.fixture
def ward() -> Ward:
    return Ward()


async def test_a_fresh_job_is_taken_with_one_request(ward: Ward) -> None:
    lease = await taken(ward.leases())
    assert lease.deliveries == 1
    assert ward.store.calls == [("create", PLACE)]


async def test_a_job_that_ended_is_released_with_one_request_more(ward: Ward) -> None:
    lease = await taken(ward.leases())
    ward.store.calls.clear()
    await lease.release()
    assert ward.store.calls == [("replace", PLACE)]


async def test_a_job_that_is_held_is_nobody_elses_not_even_the_same_workers(ward: Ward) -> None:
    leases = ward.leases()
    await taken(leases)
    assert await ward.leases("gpu-2").take(JOB) == Held("gpu-1", 5)
    assert await leases.take(JOB) == Held("gpu-1", 5)


async def test_the_same_job_of_another_tenant_is_another_job(ward: Ward) -> None:
    leases = ward.leases()
    await taken(leases)
    assert isinstance(await leases.take(make_a_job(tenant="acme")), Lease)


async def test_a_lease_that_is_renewed_is_never_taken_over(ward: Ward) -> None:
    lease, rival = await taken(ward.leases()), ward.leases("gpu-2")
    for _ in range(10):
        ward.time_s += 10
        await lease.renew()
        assert isinstance(await rival.take(JOB), Held)


async def test_a_lease_that_is_not_renewed_is_taken_over_and_counted(ward: Ward) -> None:
    await taken(ward.leases())
    ward.time_s += 15
    assert await ward.leases("gpu-2").take(JOB) == Held("gpu-1", 1)
    ward.time_s += 1
    assert (await taken(ward.leases("gpu-2"))).deliveries == 2


async def test_a_job_that_took_three_workers_with_it_is_set_aside_by_the_fourth(ward: Ward) -> None:
    for number in range(1, 4):
        lease = await taken(ward.leases(f"gpu-{number}"))
        assert lease.worker_lost is None
        ward.time_s += 16

    lease = await taken(ward.leases("gpu-4"))

    assert lease.worker_lost is not None
    assert lease.worker_lost.code is ErrorCode.WORKER_LOST
    assert "gpu-1, gpu-2, gpu-3" in lease.worker_lost.message
    await lease.release()
    assert (await taken(ward.leases())).deliveries == 1  # sent again it runs again: no failure is sticky


async def test_a_job_handed_back_is_free_at_once_and_no_delivery_is_counted_for_it(ward: Ward) -> None:
    await taken(ward.leases("gpu-0"))
    ward.time_s += 16
    lease = await taken(ward.leases())
    assert lease.deliveries == 2
    await lease.hand_back()
    assert (await taken(ward.leases("gpu-2"))).deliveries == 2


async def test_of_many_takers_at_once_one_gets_the_job(ward: Ward) -> None:
    for _ in range(2):  # a fresh job, then one whose worker is gone
        everybody = await asyncio.gather(*(ward.leases(f"gpu-{number}").take(JOB) for number in range(8)))
        assert sum(isinstance(one, Lease) for one in everybody) == 1
        ward.time_s += 16


async def test_who_was_frozen_loses_the_lease_and_touches_the_next_ones_no_more(ward: Ward) -> None:
    frozen = await taken(ward.leases())
    ward.time_s += 16
    next_one = await taken(ward.leases("gpu-2"))
    with pytest.raises(LeaseLostError, match="another has taken"):
        await frozen.renew()
    await frozen.release()
    await frozen.hand_back()
    await next_one.renew()
    assert isinstance(await ward.leases("gpu-3").take(JOB), Held)


async def test_a_lease_that_lapsed_is_still_ours_while_nobody_took_it(ward: Ward) -> None:
    lease = await taken(ward.leases())
    ward.time_s += 100
    assert lease.has_lapsed
    await lease.renew()
    assert not lease.has_lapsed


class LossyStore(FakeStore):
    """Writes, and then its answer is lost on the way."""

    is_lossy = False

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        etag = await super().create(uri, body, content_type)
        return None if self.is_lossy else etag

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        new = await super().replace(uri, body, content_type, etag=etag)
        return None if self.is_lossy else new


async def test_a_lease_whose_writing_was_not_answered_is_known_by_its_token(ward: Ward) -> None:
    ward.store = store = LossyStore(clock=lambda: ward.time_s)
    store.is_lossy = True
    lease = await taken(ward.leases())
    store.is_lossy = False
    await lease.renew()
    store.is_lossy = True
    with pytest.raises(LeaseLostError):
        await lease.renew()  # not even the repetition is answered
    store.is_lossy = False
    await lease.renew()
    assert lease.deliveries == 1


async def test_an_unanswered_take_over_is_known_by_its_token(ward: Ward) -> None:
    ward.store = store = LossyStore(clock=lambda: ward.time_s)
    await taken(ward.leases())
    ward.time_s += 16
    store.is_lossy = True
    assert (await taken(ward.leases("gpu-2"))).deliveries == 2


async def test_where_the_store_tells_no_age_a_lease_ages_under_the_observers_eyes(ward: Ward) -> None:
    ward.store.clock = None
    lease, rival = await taken(ward.leases()), ward.leases("gpu-2")
    ward.time_s += 100
    assert await rival.take(JOB) == Held("gpu-1", 5)
    await lease.renew()
    ward.time_s += 10
    assert await rival.take(JOB) == Held("gpu-1", 5)
    ward.time_s += 15
    assert await rival.take(JOB) == Held("gpu-1", 1)
    ward.time_s += 1
    assert (await taken(rival)).deliveries == 2


async def test_a_store_whose_clock_stands_still_keeps_nobody_waiting_for_ever(ward: Ward) -> None:
    ward.store.clock = lambda: 0.0
    rival = ward.leases("gpu-2")
    await taken(ward.leases())
    assert isinstance(await rival.take(JOB), Held)
    ward.time_s += 16
    assert isinstance(await rival.take(JOB), Lease)


async def test_an_outage_is_no_end_of_a_lease(ward: Ward) -> None:
    lease = await taken(ward.leases())
    ward.store.fail_next("replace", AWAY)
    with pytest.raises(OutageError):
        await lease.renew()
    await lease.renew()


async def test_releasing_never_fails(ward: Ward) -> None:
    lease = await taken(ward.leases())
    ward.store.fail_next("replace", AWAY)
    await lease.release()
    ward.time_s += 16
    assert (await taken(ward.leases())).deliveries == 2
