"""Leases while work goes on: kept, lost, released and handed back; over a store in memory."""

from __future__ import annotations

import asyncio

import pytest

from consumer.core.failures import JobError, LeaseLostError, OutageError
from consumer.core.leases import Held
from consumer.lease import Lease
from tests.fakes.store import FakeStore
from tests.leasing import AWAY, JOB, PLACE, Ward, taken
from tests.waiting import until


@pytest.fixture
def ward() -> Ward:
    return Ward()


async def test_a_lease_is_kept_for_as_long_as_the_work_lasts(ward: Ward) -> None:
    leases, rival = ward.leases(), ward.leases("gpu-2")
    lease = await taken(leases)
    async with leases.kept(lease):
        for _ in range(5):
            ward.time_s += 10
            await ward.wake()
            assert isinstance(await rival.take(JOB), Held)
    assert set(ward.pauses) == {5}


async def test_a_loop_that_stands_still_for_ten_seconds_loses_nothing(ward: Ward) -> None:
    leases, rival = ward.leases(), ward.leases("gpu-2")
    lease = await taken(leases)
    async with leases.kept(lease):
        ward.time_s += 15
        assert await rival.take(JOB) == Held("gpu-1", 1)
        await ward.wake()
        assert await rival.take(JOB) == Held("gpu-1", 5)
    assert not lease.has_lapsed


class HangingStore(FakeStore):
    """Replaces nothing, and never says so."""

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:  # noqa: ARG002
        await asyncio.Event().wait()
        return None


async def test_a_renewal_or_release_that_hangs_is_given_up(ward: Ward) -> None:
    ward.store, ward.ttl_s = HangingStore(), 0.03
    leases = ward.leases()
    lease = await taken(leases)
    async with leases.kept(lease):
        await ward.wake()
    assert [round(pause, 3) for pause in ward.pauses] == [0.01, 0.002]
    await lease.release()


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

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        etag = await super().create(uri, body, content_type)
        await self.gate.wait()
        return etag


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


async def test_a_job_is_taken_while_something_is_looked_up(ward: Ward) -> None:
    leases = ward.leases()
    lease, found = await leases.take_beside(JOB, ward.store.read("s3://out/manifest.json"))
    assert isinstance(lease, Lease)
    assert found is None


@pytest.mark.parametrize("steps", [0, 10], ids=["before it was taken", "after it was taken"])
async def test_a_job_whose_lookup_fails_is_given_back(ward: Ward, steps: int) -> None:
    async def fail() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise AWAY

    leases = ward.leases()
    with pytest.raises(OutageError):
        await leases.take_beside(JOB, fail())
    await leases.close()
    assert (await taken(ward.leases("gpu-2"))).deliveries == 1


async def test_a_job_that_cannot_be_taken_is_the_callers_to_know(ward: Ward) -> None:
    ward.store.fail_next("create", AWAY)
    leases = ward.leases()
    with pytest.raises(OutageError):
        await leases.take(JOB)
    await leases.close()


async def test_a_job_that_came_to_its_end_is_released_with_its_deliveries_forgotten(ward: Ward) -> None:
    await taken(ward.leases("gpu-0"))
    ward.time_s += 16
    leases = ward.leases()
    async with leases.holding(await taken(leases)):
        pass
    await leases.close()
    assert (await taken(ward.leases("gpu-2"))).deliveries == 1


async def test_a_job_that_was_left_undone_is_handed_back_with_those_before_still_counted(ward: Ward) -> None:
    await taken(ward.leases("gpu-0"))
    ward.time_s += 16
    leases = ward.leases()
    lease = await taken(leases)

    async def work() -> None:
        async with leases.holding(lease):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await until(lambda: bool(ward.sleepers), "the keeper pauses", every_s=0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    await leases.close()
    assert (await taken(ward.leases("gpu-2"))).deliveries == 2


async def test_a_job_that_was_lost_is_not_handed_back(ward: Ward) -> None:
    leases = ward.leases()
    lease = await taken(leases)
    ward.time_s += 16
    await taken(ward.leases("gpu-2"))
    with pytest.raises(LeaseLostError):
        async with leases.holding(lease):
            await lease.renew()
    ward.store.calls.clear()
    await leases.close()
    assert ward.store.calls == []
