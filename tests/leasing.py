"""Workers around one store in memory, with clocks that a test turns."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from consumer.core.failures import OutageError
from consumer.core.leases import LeaseTerms
from consumer.lease import Clocks, Lease, LeaseConfig
from consumer.leases import Leases
from contracts.errors import ErrorCode
from tests.fakes.store import FakeStore
from tests.make import NOW, make_a_job
from tests.waiting import until

JOB: Final = make_a_job()
PLACE: Final = "s3://state/-/call-4711/lease"
AWAY: Final = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")


@dataclass
class Ward:
    """Workers around one store, all of whose clocks a test turns."""

    time_s: float = 1000.0
    skew_s: float = 3600.0
    """How far the store's clock is ahead."""
    ttl_s: float = 15.0
    store: FakeStore = field(default_factory=FakeStore)
    sleepers: list[asyncio.Future[None]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.clock = lambda: self.time_s + self.skew_s

    def leases(self, worker: str = "gpu-1") -> Leases:
        config = LeaseConfig("s3://state/", worker, LeaseTerms(self.ttl_s, max_deliveries=3))
        return Leases(
            self.store, self.store, config=config, clocks=Clocks(lambda: self.time_s, lambda: NOW, self.sleep)
        )

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


async def taken(leases: Leases) -> Lease:
    lease = await leases.take(JOB)
    assert isinstance(lease, Lease)
    return lease
