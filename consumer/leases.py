"""Leases on jobs, so that two workers do not run one at once, and jobs that end their workers are counted.

The budget, with a lease of 15 s that is renewed every 5 s: a renewal may hang for 5 s, or the loop stand still for
10 s, and nothing is lost. After a worker's sudden end its jobs may be taken 16 s after its last renewal.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from consumer.core.failures import JobError
from consumer.core.jobs import Job
from consumer.core.leases import (
    LEASE_NAME,
    LEASE_TYPE,
    Available,
    Deliveries,
    Held,
    LeaseDocument,
    LeaseTerms,
    is_live,
    judge_lease,
    read_lease,
)
from consumer.core.locations import state_uri
from consumer.core.sightings import Sightings
from consumer.interruption import Interruption
from consumer.lease import Lease, Written
from consumer.ports import Store, StoredObject

log = structlog.get_logger(__name__)

_TRIES: Final = 3
"""How often a lease is tried for that others take or release at the same moment."""


@dataclass(frozen=True, slots=True)
class LeaseConfig:
    """Whose leases, where they lie and how long they last."""

    state_prefix: str
    worker: str
    terms: LeaseTerms = field(default_factory=LeaseTerms)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time comes from, and how to let it pass."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Leases:
    """Takes leases and keeps them."""

    def __init__(self, store: Store, *, config: LeaseConfig, clocks: Clocks | None = None) -> None:
        """Borrows the store, which may wait for the end of its outages or raise."""
        self._store = store
        self._config = config
        self._terms = config.terms
        self._clocks = clocks or Clocks()
        self._sightings = Sightings()
        self._background: set[asyncio.Task[None]] = set()

    async def take(self, job: Job) -> Lease | Held:
        """Takes the job if nobody works on it, another attempt of this same worker included.

        Cancelled, it gives back in the background what it may just have got; `close` waits for that.

        Raises:
            JobError: the store's own.
        """
        taking = asyncio.create_task(self._take(self._uri(job.tenant, job.job_id)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._in_background(self._undo(taking))
            raise

    async def find(self, tenant: str | None, job_id: str) -> LeaseDocument | None:
        """The lease of whoever works on a job; None when nobody does. Takes nothing.

        Raises:
            JobError: the store's own.
        """
        uri = self._uri(tenant, job_id)
        found = await self._store.read(uri)
        held = None if found is None else read_lease(found.body)
        if found is None or held is None or not is_live(held, self._age_s(uri, found, self._clocks.monotonic())):
            return None
        return held

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

    def release_later(self, lease: Lease) -> None:
        """Releases in the background a lease whose job came to its end; `close` waits for it."""
        self._in_background(lease.release())

    async def close(self) -> None:
        """Waits for what is being released; no longer than one renewal may take."""
        if self._background:
            await asyncio.wait(set(self._background), timeout=self._terms.renew_s)

    async def _take(self, uri: str) -> Lease | Held:
        token = uuid.uuid4().hex
        at = self._clocks.monotonic()
        document = self._document(token, Deliveries())
        if await self._store.create(uri, _encode(document), LEASE_TYPE):
            return self._lease(uri, Written(document, None, at))
        for _ in range(_TRIES):
            found = await self._store.read(uri)
            taken = None if found is None else await self._take_over(uri, found, token, at)
            if taken is not None:
                return taken
        return Held(None, self._terms.renew_s)

    async def _take_over(self, uri: str, found: StoredObject, token: str, since: float) -> Lease | Held | None:
        """None when another was faster."""
        held = read_lease(found.body)
        if held is not None and held.token == token:  # the answer to our own write was lost
            return self._lease(uri, Written(held, found.etag, since))
        at = self._clocks.monotonic()
        verdict = judge_lease(found.body, self._age_s(uri, found, at), self._terms)
        if isinstance(verdict, Held):
            return verdict
        document = self._document(token, verdict.before)
        etag = await self._store.replace(uri, _encode(document), LEASE_TYPE, etag=found.etag)
        if etag is None:
            return None
        self._tell(uri, verdict)
        return self._lease(uri, Written(document, etag, at))

    def _uri(self, tenant: str | None, job_id: str) -> str:
        return state_uri(self._config.state_prefix, tenant, job_id, LEASE_NAME)

    def _age_s(self, uri: str, found: StoredObject, now: float) -> float:
        # Seen unchanged for so long, it is as old at least, whatever the store's clock says.
        return max(self._sightings.age_s(uri, found.etag, now), found.age_s or 0.0)

    def _document(self, token: str, before: Deliveries) -> LeaseDocument:
        return LeaseDocument(
            worker=self._config.worker,
            token=token,
            deliveries=before.count + 1,
            lost_workers=before.lost_workers,
            ttl_s=self._terms.ttl_s,
            taken_at=self._clocks.now(),
        )

    def _lease(self, uri: str, written: Written) -> Lease:
        self._sightings.forget(uri)
        return Lease(self._store, uri, written, terms=self._terms, monotonic=self._clocks.monotonic)

    def _tell(self, uri: str, verdict: Available) -> None:
        if verdict.before.count:
            log.warning(
                "job_taken_again",
                lease=uri,
                deliveries=verdict.before.count + 1,
                lost=verdict.before.lost_workers[-1:],
            )

    async def _keep(self, lease: Lease) -> None:
        pause_s = self._terms.renew_s
        while True:
            await self._clocks.sleep(pause_s)
            try:
                async with asyncio.timeout(self._terms.renew_s):
                    await lease.renew()
                pause_s = self._terms.renew_s
            except (JobError, TimeoutError) as exc:
                pause_s = self._terms.retry_s
                log.warning("lease_not_renewed", has_lapsed=lease.has_lapsed, error=str(exc) or type(exc).__name__)

    async def _undo(self, taking: asyncio.Task[Lease | Held]) -> None:
        with contextlib.suppress(JobError, TimeoutError):
            async with asyncio.timeout(self._terms.renew_s):
                taken = await taking
            if isinstance(taken, Lease):
                await taken.hand_back()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _encode(document: LeaseDocument) -> bytes:
    return document.model_dump_json().encode()
