"""Leases over a store in memory: taking, renewing, losing, releasing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from consumer.core.failures import JobError, OutageError
from consumer.core.leases import Held, LeaseLostError, LeaseTerms
from consumer.lease import Lease
from consumer.leases import Clocks, LeaseConfig, Leases
from contracts.errors import ErrorCode
from tests.fakes.store import FakeStore
from tests.make import NOW, make_a_job
from tests.waiting import until

JOB = make_a_job()
PLACE = "s3://state/-/call-4711/lease"
AWAY = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")


@dataclass
class Ward:
    """Workers around one store, all of whose clocks a test turns."""

    time_s: float = 1000.0
    skew_s: float = 3600.0
    """How far the store's clock is ahead."""
    store: FakeStore = field(default_factory=FakeStore)
    sleepers: list[asyncio.Future[None]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.clock = lambda: self.time_s + self.skew_s

    def leases(self, worker: str = "gpu-1") -> Leases:
        config = LeaseConfig("s3://state/", worker, LeaseTerms(ttl_s=15, max_deliveries=3))
        return Leases(self.store, config=config, clocks=Clocks(lambda: self.time_s, lambda: NOW, self.sleep))

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.sleepers.append(asyncio.get_running_loop().create_future())
        await self.sleepers[-1]

    async def wake(self) -> None:
        """Ends the pause of a keeper, which then renews and pauses again."""
        await until(lambda: bool(self.sleepers), "a pause", every_s=0)
        paused = len(self.pauses)
        self.sleepers.pop().set_result(None)
        await until(lambda: len(self.pauses) > paused, "the next pause", every_s=0)


@pytest.fixture
def ward() -> Ward:
    return Ward()


async def taken(leases: Leases) -> Lease:
    lease = await leases.take(JOB)
    assert isinstance(lease, Lease)
    return lease


async def test_a_fresh_job_is_taken_with_one_request(ward: Ward) -> None:
    lease = await taken(ward.leases())
    assert lease.deliveries == 1
    assert ward.store.calls == [("create", PLACE)]


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
    with pytest.raises(LeaseLostError, match="another worker"):
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

    async def create(self, uri: str, body: bytes, content_type: str) -> bool:
        return await super().create(uri, body, content_type) and not self.is_lossy

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


@pytest.mark.parametrize("method", ["replace", "read"])
async def test_releasing_never_fails(ward: Ward, method: str) -> None:
    lease = await taken(ward.leases())
    ward.store.fail_next(method, AWAY)
    await lease.release()
    ward.time_s += 16
    assert (await taken(ward.leases())).deliveries == 2


async def test_a_lease_is_kept_for_as_long_as_the_work_lasts(ward: Ward) -> None:
    leases, rival = ward.leases(), ward.leases("gpu-2")
    lease = await taken(leases)
    async with leases.kept(lease):
        for _ in range(5):
            ward.time_s += 10
            await ward.wake()
            assert isinstance(await rival.take(JOB), Held)
    assert set(ward.pauses) == {5}


async def test_a_failed_renewal_is_repeated_soon_and_the_work_goes_on(ward: Ward) -> None:
    leases = ward.leases()
    lease = await taken(leases)
    async with leases.kept(lease):
        await ward.wake()
        ward.store.fail_next("replace", AWAY, AWAY, AWAY)
        for _ in range(4):
            ward.time_s += 10
            await ward.wake()
    assert ward.pauses == [5, 5, 1, 1, 1, 5]


async def test_work_whose_lease_another_has_is_stopped(ward: Ward) -> None:
    leases = ward.leases()
    lease = await taken(leases)
    ended: list[str] = []

    async def work() -> None:
        async with leases.kept(lease):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cleaned up")

    task = asyncio.create_task(work())
    await until(lambda: bool(ward.sleepers), "the keeper pauses", every_s=0)
    ward.time_s += 16
    await taken(ward.leases("gpu-2"))
    ward.sleepers.pop().set_result(None)
    with pytest.raises(LeaseLostError):
        await task
    assert ended == ["cleaned up"]


async def test_an_error_of_the_work_is_the_works_own(ward: Ward) -> None:
    leases = ward.leases()
    lease = await taken(leases)
    with pytest.raises(JobError):
        async with leases.kept(lease):
            raise AWAY
    assert isinstance(await leases.take(JOB), Held)


class SlowStore(FakeStore):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def create(self, uri: str, body: bytes, content_type: str) -> bool:
        is_new = await super().create(uri, body, content_type)
        await self.gate.wait()
        return is_new


async def test_who_is_cancelled_while_taking_gives_back_what_was_got(ward: Ward) -> None:
    ward.store = store = SlowStore()
    leases = ward.leases()
    taking = asyncio.create_task(leases.take(JOB))
    await until(lambda: PLACE in store.objects, "the lease is written", every_s=0)
    taking.cancel()
    await asyncio.wait((taking,))
    assert taking.cancelled()
    store.gate.set()
    await leases.close()
    assert (await taken(ward.leases("gpu-2"))).deliveries == 1


async def test_what_is_released_in_the_background_is_released_before_the_end(ward: Ward) -> None:
    leases = ward.leases()
    leases.release_later(await taken(leases))
    await leases.close()
    assert isinstance(await ward.leases("gpu-2").take(JOB), Lease)
