"""Leases on jobs, so that two workers do not run one at once, and jobs that end their workers are counted.

The budget, with a lease of 15 s that is renewed every 5 s: a renewal may hang for 5 s, or the loop stand still for
10 s, and nothing is lost. After a worker's sudden end its jobs may be taken 16 s after its last renewal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog

from consumer.core.failures import JobError, LeaseLostError
from consumer.core.jobs import Job
from consumer.core.leases import Held, LeaseDocument
from consumer.interruption import Interruption
from consumer.lease import Clocks, Lease, LeaseConfig
from consumer.lease_taking import LeaseTaker
from consumer.ports import Store

T = TypeVar("T")

_CLOSE_S: Final = 2.0
"""A small write takes a tenth of that; what is not released lapses."""

log = structlog.get_logger(__name__)


class Leases:
    """Takes leases and keeps them."""

    def __init__(
        self, store: Store, patient_store: Store, *, config: LeaseConfig, clocks: Clocks | None = None
    ) -> None:
        """Borrows both, which are one store.

        Args:
            store: raises at an outage; by it leases are renewed and released, which must not wait.
            patient_store: waits until an outage is over; by it jobs are taken.
            config: whose leases, and how long they last.
            clocks: for tests without one.
        """
        self._terms = config.terms
        self._clocks = clocks or Clocks()
        self._taker = LeaseTaker(store, patient_store, config=config, clocks=self._clocks)
        self._background: set[asyncio.Task[None]] = set()

    async def take(self, job: Job) -> Lease | Held:
        """Takes the job if nobody works on it, another attempt of this same worker included.

        Cancelled, it gives back in the background what it may just have got; `close` waits for that.

        Raises:
            JobError: the store's own.
        """
        return (await self.take_beside(job, asyncio.sleep(0)))[0]

    async def take_beside(self, job: Job, lookup: Awaitable[T]) -> tuple[Lease | Held, T]:
        """Takes a job while something else is looked up; when that fails, the job is given back as by `take`.

        Raises:
            JobError: the store's own; whatever the lookup raises.
        """
        taking = asyncio.create_task(self._taker.take(job.tenant, job.job_id))
        try:
            found = await lookup
            return await asyncio.shield(taking), found
        except BaseException:
            self._in_background(self._undo(taking))
            raise

    async def find(self, tenant: str | None, job_id: str) -> LeaseDocument | None:
        """The lease of whoever works on a job; None when nobody does. Takes nothing.

        Raises:
            JobError: the store's own.
        """
        return await self._taker.find(tenant, job_id)

    @asynccontextmanager
    async def holding(self, lease: Lease) -> AsyncIterator[None]:
        """Keeps a lease for the block, in which a job comes to its end, whichever.

        After it the job is released, its deliveries forgotten. If the block is cancelled or fails, the job is undone,
        and handed back. Both happen in the background; `close` waits for them.

        Raises:
            LeaseLostError: as `kept`.
        """
        try:
            async with self.kept(lease):
                yield
        except LeaseLostError:
            raise
        except BaseException:
            self._in_background(lease.hand_back())
            raise
        self._in_background(lease.release())

    @asynccontextmanager
    async def kept(self, lease: Lease) -> AsyncIterator[None]:
        """Renews a lease for as long as the block runs.

        A store that is away is waited for and the work goes on, even beyond the lease's time to live: who cannot be
        asked gives the job to nobody else.

        Raises:
            LeaseLostError: another has it; the block was cancelled.
        """
        async with Interruption() as interruption:

            def stopped(task: asyncio.Task[None]) -> None:
                if not task.cancelled() and (error := task.exception()) is not None:
                    interruption.interrupt(error)

            keeper = asyncio.create_task(self._keep(lease))
            keeper.add_done_callback(stopped)
            try:
                yield
            finally:
                keeper.cancel()
                await asyncio.wait((keeper,))

    async def close(self) -> None:
        """Waits for what is being released; not for a store that is away."""
        if self._background:
            await asyncio.wait(set(self._background), timeout=_CLOSE_S)

    async def _keep(self, lease: Lease) -> None:
        is_failing = False
        while True:
            await self._clocks.sleep(self._terms.retry_s if is_failing else self._terms.renew_s)
            try:
                async with asyncio.timeout(self._terms.renew_s):
                    await lease.renew()
                is_failing = False
            except (JobError, TimeoutError) as exc:
                tell = log.debug if is_failing else log.warning  # an outage may be long
                tell("lease_not_renewed", has_lapsed=lease.has_lapsed, error=str(exc) or "no answer in time")
                is_failing = True

    async def _undo(self, taking: asyncio.Task[Lease | Held]) -> None:
        await asyncio.wait((taking,), timeout=self._terms.renew_s)
        if not taking.done():
            taking.cancel()
        elif not taking.cancelled() and taking.exception() is None and isinstance(taken := taking.result(), Lease):
            await taken.hand_back()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
