"""Deliveries to slots, each request in them to its attempt; and the drain at the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import structlog

from consumer.attempts import Attempts
from consumer.core.failures import ExitCode, FatalError, fatal_in
from consumer.core.intake.envelopes import read_record
from consumer.core.intake.readings import Faulty, Ignored, IntakeRules, Reason, Wanted
from consumer.core.records import Delivery, Record
from consumer.patience import Patience
from consumer.ports import Source
from consumer.progress import ProgressReporter
from consumer.scratch import Scratch
from consumer.shutdown import Shutdown
from consumer.turns import MAX_PARKED, Turn, Turns, set_current
from consumer.verdicts import unexpected
from contracts.errors import ErrorCode

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How much at once, and how long to wait at the end."""

    slots: int
    """Jobs worked on side by side: the next one is fetched and decoded while the engine is busy."""
    grace_s: float
    """What jobs in flight get after the drain began, in seconds."""
    intake: IntakeRules
    max_parked: int = MAX_PARKED
    """Attempts that may give their slot away while they wait for others."""


class Worker:
    """Works on deliveries until it is asked to end."""

    def __init__(
        self,
        source: Source,
        attempts: Attempts,
        progress: ProgressReporter,
        *,
        scratch: Scratch,
        patience: Patience,
        config: WorkerConfig,
    ) -> None:
        """Borrows its parts."""
        self._source = source
        self._attempts = attempts
        self._progress = progress
        self._scratch = scratch
        self._patience = patience
        self._config = config
        self._turns = Turns(config.slots, max_parked=config.max_parked)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._attempting: dict[asyncio.Task[None], Turn] = {}
        self._is_draining = False
        self._cannot_go_on = asyncio.Event()
        self._reason: FatalError | None = None
        self.received = 0
        """Deliveries taken so far."""
        self.ignored: Counter[Reason] = Counter()
        """What was acknowledged and started nothing, by reason."""

    @property
    def in_flight(self) -> dict[str, int]:
        """Deliveries that are worked on; the jobs in them that wait, are fetched or decoded; those without a slot."""
        return {"deliveries": len(self._in_flight), "not_begun": len(self._not_begun), "parked": self._turns.parked}

    @property
    def waits_for_scratch(self) -> str | None:
        """Why no further delivery is taken although a slot may be free; None while there is room for its media."""
        return self._scratch.lack

    @property
    def pauses(self) -> dict[ErrorCode, bool]:
        """Whether no further job is taken, for each code that can be why."""
        pauses = self._patience.pauses
        pauses[ErrorCode.SCRATCH_FULL] |= self._scratch.lack is not None
        return pauses

    @property
    def outages(self) -> list[dict[str, object]]:
        """What is away now, since when, and how many calls wait for it."""
        return self._patience.outages

    async def run(self, shutdown: Shutdown) -> None:
        """Takes deliveries until shutdown, then drains.

        Raises:
            FatalError: the source cannot go on, or a delivery must stay open: its end would be one dead letter too
                many, or could not be told for a defect of ours.
        """
        intake = asyncio.create_task(self._take_in())
        ends = [asyncio.create_task(end.wait()) for end in (shutdown.drain, self._cannot_go_on)]
        try:
            await asyncio.wait((intake, *ends), return_when=asyncio.FIRST_COMPLETED)
            log.info("draining", in_flight=len(self._in_flight), grace_s=self._config.grace_s)
            await self._drain(intake, shutdown)
        finally:
            for task in (intake, *ends):
                task.cancel()
        if not intake.cancelled():
            intake.result()
        if self._reason:
            raise self._reason

    async def _take_in(self) -> None:
        while True:
            await self._patience.until_it_takes()
            # Nothing is received while no slot is free; while nothing comes, others may have the slot.
            await self._turns.slots.acquire()
            self._turns.slots.release()
            await self._scratch.wait_for_room()
            delivery = await self._source.receive()
            try:
                await self._turns.slots.acquire()
            except asyncio.CancelledError:
                self._source.release(delivery)
                raise
            if not self._patience.takes():  # it was long in coming, and something is away by now
                self._turns.slots.release()
                self._source.release(delivery)
                continue
            self.received += 1
            task = asyncio.create_task(self._work(delivery))
            self._in_flight.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        # Its delivery stays open: another worker, or this one restarted, will get it again.
        reason = fatal_in(error)
        if reason is None:
            log.error("settlement_failed", exc_info=error)
            text = "a delivery could not be settled for a defect of steno; the log says which one and why"
            reason = FatalError(ExitCode.INTERNAL, text)
        elif not self._reason:
            log.error("worker_cannot_go_on", exit_code=int(reason.exit_code), error=reason.message)
        self._reason = self._reason or reason
        self._cannot_go_on.set()

    @property
    def _not_begun(self) -> list[asyncio.Task[None]]:
        """Attempts that wait, fetch or decode."""
        return [attempt for attempt, turn in self._attempting.items() if not turn.has_begun]

    async def _drain(self, intake: asyncio.Task[None], shutdown: Shutdown) -> None:
        """Stops intake, gives back what has not begun, lets the rest finish within the grace time, commits."""
        self._is_draining = True
        self._patience.hold_nobody()
        self._scratch.hold_nobody()
        self._source.stop_intake()
        intake.cancel()
        await asyncio.wait((intake,))
        if not_begun := self._not_begun:
            log.info("jobs_given_back", count=len(not_begun), reason="not begun")
        for attempt in not_begun:
            attempt.cancel()
        await self._finish(shutdown.hurry)
        await self._progress.close()
        await self._source.flush()

    async def _finish(self, hurry: asyncio.Event) -> None:
        """Waits for the jobs in flight while there is time, then has the rest given back."""
        if not self._in_flight:
            return
        hurried = asyncio.create_task(hurry.wait())
        finished = asyncio.create_task(asyncio.wait(set(self._in_flight)))
        await asyncio.wait((hurried, finished), timeout=self._config.grace_s, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if self._in_flight:
            log.warning("jobs_given_back", count=len(self._in_flight), reason="not done in time")
        for task in self._in_flight:
            task.cancel()
        await finished

    async def _work(self, delivery: Delivery) -> None:
        """Takes one delivery to its end; a cancelled one is given back."""
        record = delivery.record
        structlog.contextvars.bind_contextvars(topic=record.topic, partition=record.partition, offset=record.offset)
        try:
            is_done = await self._take_all(delivery)
        except asyncio.CancelledError:
            self._source.release(delivery)
            raise
        (self._source.settle if is_done else self._source.release)(delivery)

    def _read(self, record: Record) -> list[Wanted | Faulty]:
        """What there is to do for a record; what is ignored is counted."""
        try:
            readings = read_record(record, self._config.intake)
        except Exception as exc:  # noqa: BLE001  # a defect of ours must not meet the same record for ever
            return [Faulty(unexpected(exc), record)]
        for ignored, count in Counter(each for each in readings if isinstance(each, Ignored)).items():
            self.ignored[ignored.reason] += count
            log.info("notification_ignored", reason=ignored.reason, event_name=ignored.event_name, count=count)
        return [each for each in readings if not isinstance(each, Ignored)]

    async def _take_all(self, delivery: Delivery) -> bool:
        """The first one has the slot that its delivery came with, each further one waits for a slot of its own.

        Returns whether all of them came to their end; a drain cancels those that have not begun.
        """
        readings = self._read(delivery.record)
        if not readings:
            self._turns.slots.release()
        attempts: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            for number, reading in enumerate(readings):
                if number:
                    await self._acquire()
                attempts.append(self._begin(reading, delivery, group))
        return not any(attempt.cancelled() for attempt in attempts)

    async def _acquire(self) -> None:
        """A slot for a further job of a delivery, when there may be one."""
        while True:
            await self._patience.until_it_takes()
            await self._scratch.wait_for_room()
            await self._turns.slots.acquire()
            if self._patience.takes():
                return
            self._turns.slots.release()

    def _begin(self, reading: Wanted | Faulty, delivery: Delivery, group: asyncio.TaskGroup) -> asyncio.Task[None]:
        turn = self._turns.make(lambda: not self._source.holds(delivery))
        attempt = group.create_task(self._attempt(reading, turn))
        self._attempting[attempt] = turn
        attempt.add_done_callback(self._attempt_ended)
        if self._is_draining:
            attempt.cancel()
        return attempt

    async def _attempt(self, reading: Wanted | Faulty, turn: Turn) -> None:
        set_current(turn)
        await self._attempts.take(reading, turn)

    def _attempt_ended(self, attempt: asyncio.Task[None]) -> None:
        self._attempting.pop(attempt).end()
