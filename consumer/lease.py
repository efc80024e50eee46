"""One lease that is held: renewed while the job runs, released at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from consumer.core.failures import JobError, LeaseLostError, TransientError
from consumer.core.leases import (
    LEASE_TYPE,
    LeaseDocument,
    LeaseState,
    LeaseTerms,
    read_lease,
    worker_lost,
)
from consumer.ports import Store

log = structlog.get_logger(__name__)


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


@dataclass(frozen=True, slots=True)
class Written:
    """A lease as this worker wrote it last."""

    document: LeaseDocument
    etag: str
    at: float
    """By this worker's clock, before it was sent: the store has it as written at that moment or later."""


class Lease:
    """A job's lease in this worker's hands. One task at a time may use it."""

    def __init__(
        self,
        store: Store,
        uri: str,
        written: Written,
        *,
        terms: LeaseTerms,
        monotonic: Callable[[], float],
        is_first: bool = False,
    ) -> None:
        """Made by `Leases.take`; borrows the store."""
        self._store = store
        self._uri = uri
        self._written = written
        self.is_first = is_first
        """Nothing stood there before: nobody has had the job yet."""
        self._terms = terms
        self._monotonic = monotonic

    @property
    def deliveries(self) -> int:
        """How often the job was taken and came to no end, this time included."""
        return self._written.document.deliveries

    @property
    def lost_workers(self) -> tuple[str, ...]:
        """Who had the job before and fell silent, the last ones."""
        return self._written.document.lost_workers

    @property
    def token(self) -> str:
        """Names this one taking of the job."""
        return self._written.document.token

    @property
    def worker_lost(self) -> TransientError | None:
        """Why the job is to be set aside and not run: it took too many workers with it. None in all other cases."""
        return worker_lost(self._written.document, self._terms)

    @property
    def is_last_chance(self) -> bool:
        """Whether workers were lost with the job, and one more ends it."""
        document = self._written.document
        return document.deliveries > 1 and document.deliveries >= self._terms.max_deliveries

    @property
    def has_lapsed(self) -> bool:
        """Whether it was not renewed for its time to live: others may take it over, and perhaps nobody has."""
        return self._monotonic() - self._written.at >= self._written.document.ttl_s

    async def renew(self) -> None:
        """Puts off the moment at which others may take it over.

        Raises:
            LeaseLostError: somebody has.
            JobError: the store's own; the lease may still be ours.
        """
        await self._write(lambda held: held.model_copy(update={"renewals": held.renewals + 1}))

    async def release(self) -> None:
        """Lets the next one have the job at once, all its deliveries forgotten. For a job that came to an end.

        Never fails, and takes no longer than one renewal may: what is not released lapses.
        """
        await self._let_go({"deliveries": 0, "lost_workers": ()})

    async def hand_back(self) -> None:
        """Likewise, as if it had not been taken: workers that were lost before stay counted. For a job left undone."""
        await self._let_go({"deliveries": self.deliveries - 1})

    async def _let_go(self, changes: dict[str, object]) -> None:
        released = {"state": LeaseState.RELEASED, **changes}
        try:
            async with asyncio.timeout(self._terms.renew_s):
                await self._write(lambda held: held.model_copy(update=released))
        except LeaseLostError:
            log.info("lease_was_lost", lease=self._uri)
        except (JobError, TimeoutError) as exc:
            log.warning("lease_not_released", lease=self._uri, error=str(exc) or "no answer in time")

    async def _write(self, change: Callable[[LeaseDocument], LeaseDocument]) -> None:
        if await self._replace(change, self._written.etag):
            return
        # Lost, or the ETag is another because the answer to a write of ours was lost.
        if not await self._replace(change, await self._reread()):
            raise self._lost()

    async def _replace(self, change: Callable[[LeaseDocument], LeaseDocument], etag: str) -> bool:
        document, at = change(self._written.document), self._monotonic()
        new = await self._store.replace(self._uri, document.model_dump_json().encode(), LEASE_TYPE, etag=etag)
        if new is not None:
            self._written = Written(document, new, at)
        return new is not None

    async def _reread(self) -> str:
        found = await self._store.read(self._uri)
        document = None if found is None else read_lease(found.body)
        if found is None or document is None or document.token != self._written.document.token:
            raise self._lost()
        self._written = Written(document, found.etag, self._written.at)
        return found.etag

    def _lost(self) -> LeaseLostError:
        return LeaseLostError(
            f"{self._uri} is not this worker's any more: another has taken the job over, or the object was touched"
        )
