"""A job in this worker's hands: what stands in its place already, its lease, and whether it is wanted at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from consumer.cancellation import Cancellations, describe
from consumer.core.failures import ConsumerError, JobError
from consumer.core.jobs import Job
from consumer.core.ladder import Cancel
from consumer.core.leases import Held
from consumer.handler import Handler, Standing
from consumer.interruption import Interruption
from consumer.lease import Lease
from consumer.leases import Leases
from consumer.sharing import Sharing
from consumer.stopwatch import Stopwatch
from consumer.together import both
from consumer.transcription import Share
from consumer.turns import Turn
from contracts.errors import ErrorCode
from contracts.state import CancelMarker

log = structlog.get_logger(__name__)

_LOOK_S: Final = 3.0
"""Pause between two looks for a cancellation while a job runs: one small read each time."""
_OTHERS_S: Final = 1.0
"""Pause of a job at its last chance while another one has its own."""
_YOUNG: Final = timedelta(seconds=1)
"""Nobody has had the time to cancel a younger request; while it runs it is looked after all the same."""


class NotWantedError(ConsumerError):
    """The job is to end without a result."""

    def __init__(self, end: Cancel) -> None:
        """Says why."""
        super().__init__(end.message)
        self.end = end


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that this worker may bring to its end."""

    standing: Standing
    lease: Lease | None
    """None where another worker holds the job and its result is there: that can be told at once."""
    objection: JobError | Cancel | None = None
    """Why it is not to be run."""

    @property
    def goes_alone(self) -> bool:
        """Whether it should not run beside others of its kind."""
        return self.lease is not None and self.lease.is_last_chance and self.objection is None

    @property
    def deliveries(self) -> int:
        """How often the job was taken without an end, this time included."""
        return self.lease.deliveries if self.lease else 1


class Custody:
    """Takes jobs, one worker at a time; and of the jobs at their last chance, one at a time.

    Jobs whose worker was lost are taken together by whoever follows, and lost together again, though one of them is
    the cause. So each has its last run without the others, and only the one that ends its workers is charged.
    """

    def __init__(
        self,
        handler: Handler,
        leases: Leases,
        cancellations: Cancellations,
        sharing: Sharing,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Borrows its parts."""
        self._handler = handler
        self._leases = leases
        self._cancellations = cancellations
        self._sharing = sharing
        self._now = now
        self._sleep = sleep
        self._alone: set[Turn] = set()
        """Jobs at their last chance that are in this worker's hands."""

    async def take(self, job: Job, stopwatch: Stopwatch, turn: Turn) -> Taken:
        """Waits for the job while another worker has it, or for that one's result; the slot is given away meanwhile.

        Raises:
            JobError: the request is refused, or the store's own.
        """
        self._handler.check(job)
        while True:
            with stopwatch.stage("lookup"):
                lease, (standing, marker) = await self._leases.take_beside(job, self._look(job))
            if isinstance(lease, Lease):
                taken = Taken(standing, lease, self._objection(job, lease, standing, marker))
                if not (taken.goes_alone and self._has_one_alone):
                    _tell(lease)
                    return taken
                await lease.hand_back()
            elif standing.manifest is not None:
                return Taken(standing, None)
            with stopwatch.stage("lease"):
                await self._park(turn, lease.wait_s if isinstance(lease, Held) else _OTHERS_S)

    @asynccontextmanager
    async def holding(self, taken: Taken, turn: Turn) -> AsyncIterator[None]:
        """Keeps the job for the block in which it comes to its end. Enter it at once after `take`.

        Raises:
            LeaseLostError: another worker has it by now; the block was cancelled.
        """
        async with AsyncExitStack() as stack:
            if taken.goes_alone:
                self._alone.add(turn)
                stack.callback(self._alone.discard, turn)
            if taken.lease is not None:
                await stack.enter_async_context(self._leases.holding(taken.lease))
            yield

    @asynccontextmanager
    async def heeding(self, job: Job) -> AsyncIterator[None]:
        """Ends the block when somebody cancels the job, or its deadline passes.

        Raises:
            NotWantedError: so it is; the block was cancelled.
        """
        async with Interruption() as interruption:
            watching = asyncio.create_task(self._watch(job, interruption))
            try:
                yield
            finally:
                watching.cancel()
                await asyncio.wait((watching,))

    def share(self, job: Job, lease: Lease, turn: Turn) -> Share:
        """How this job finds a transcription that another one made of the same."""
        return Share(lambda sha256: self._sharing.claim(job, sha256, lease), lambda seconds: self._park(turn, seconds))

    @property
    def _has_one_alone(self) -> bool:
        """Whether one of them runs: who waits for something ends no worker."""
        return any(not turn.is_parked for turn in self._alone)

    async def _park(self, turn: Turn, seconds: float) -> None:
        async with turn.parked():
            await self._sleep(seconds)
            if turn.is_moot():  # its partition went to another worker, who will ask for the job, too
                raise asyncio.CancelledError

    async def _look(self, job: Job) -> tuple[Standing, CancelMarker | None]:
        if job.sent_at is not None and self._now() - job.sent_at < _YOUNG:
            return await self._handler.look(job), None
        return await both(self._handler.look(job), self._cancellations.find(job))

    def _objection(
        self, job: Job, lease: Lease, standing: Standing, marker: CancelMarker | None
    ) -> JobError | Cancel | None:
        """A job that is transcribed already is brought to its end, whatever speaks against beginning it."""
        if not standing.is_empty:
            return None
        return self._end_of(job, marker) or lease.worker_lost

    def _end_of(self, job: Job, marker: CancelMarker | None) -> Cancel | None:
        """Why the job is not wanted any more; None while it is."""
        deadline = job.request.deadline
        if marker is not None:
            return Cancel(ErrorCode.CANCELLED, describe(marker))
        if deadline is not None and deadline <= self._now():
            text = f"the deadline {deadline.isoformat(timespec='seconds')} has passed"
            return Cancel(ErrorCode.DEADLINE_EXCEEDED, text)
        return None

    async def _watch(self, job: Job, interruption: Interruption) -> None:
        while True:
            await self._sleep(_LOOK_S)
            if end := self._end_of(job, await self._cancellations.find(job)):
                interruption.interrupt(NotWantedError(end))
                return


def _tell(lease: Lease) -> None:
    if lease.lost_workers:
        log.warning("job_taken_again", deliveries=lease.deliveries, lost=lease.lost_workers)
