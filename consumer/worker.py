"""Deliveries to slots, each request in them to its attempt; and the drain at the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import structlog

from consumer.attempts import Attempts, unexpected
from consumer.core.failures import ExitCode, FatalError
from consumer.core.intake.envelopes import read_record
from consumer.core.intake.readings import Faulty, Ignored, IntakeRules, Reason, Wanted
from consumer.core.records import Delivery, Record
from consumer.ports import Source
from consumer.progress import ProgressReporter

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How much at once, and how long to wait at the end."""

    slots: int
    """Jobs worked on side by side: the next one is fetched and decoded while the engine is busy."""
    grace_s: float
    """What jobs in flight get after the drain began, in seconds."""
    intake: IntakeRules


class Shutdown:
    """The wish to end: first gently, at the second time in a hurry."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.drain = asyncio.Event()
        self.hurry = asyncio.Event()

    def request(self) -> None:
        """Asks to drain; asked again, to hurry."""
        if self.drain.is_set():
            self.hurry.set()
        self.drain.set()


class Worker:
    """Works on deliveries until it is asked to end."""

    def __init__(
        self,
        source: Source,
        attempts: Attempts,
        progress: ProgressReporter,
        *,
        config: WorkerConfig,
    ) -> None:
        """Borrows its parts."""
        self._source = source
        self._attempts = attempts
        self._progress = progress
        self._config = config
        self._slots = asyncio.Semaphore(config.slots)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._defect = asyncio.Event()
        self.ignored: Counter[Reason] = Counter()
        """What was acknowledged and started nothing, by reason."""

    async def run(self, shutdown: Shutdown) -> None:
        """Takes deliveries until shutdown, then drains.

        Raises:
            FatalError: the source cannot go on, or a delivery could not be settled for a defect of ours.
        """
        intake = asyncio.create_task(self._take_in())
        ends = [asyncio.create_task(end.wait()) for end in (shutdown.drain, self._defect)]
        try:
            await asyncio.wait((intake, *ends), return_when=asyncio.FIRST_COMPLETED)
            log.info("draining", in_flight=len(self._in_flight), grace_s=self._config.grace_s)
            await self._drain(intake, shutdown)
        finally:
            for task in (intake, *ends):
                task.cancel()
        if not intake.cancelled():
            intake.result()
        if self._defect.is_set():
            text = "a delivery could not be settled for a defect of steno; the log says which one and why"
            raise FatalError(ExitCode.INTERNAL, text)

    async def _take_in(self) -> None:
        while True:
            async with self._slots:
                pass  # nothing is received while no slot is free; while nothing comes, others may have the slot
            delivery = await self._source.receive()
            try:
                await self._slots.acquire()
            except asyncio.CancelledError:
                self._source.release(delivery)
                raise
            task = asyncio.create_task(self._work(delivery))
            self._in_flight.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its delivery stays open: another worker, or this one restarted, will get it again.
            log.error("settlement_failed", exc_info=error)
            self._defect.set()

    async def _drain(self, intake: asyncio.Task[None], shutdown: Shutdown) -> None:
        """Stops intake, lets jobs finish within the grace time, gives the rest back, commits."""
        self._source.stop_intake()
        intake.cancel()
        await asyncio.wait((intake,))
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
            log.warning("jobs_given_back", count=len(self._in_flight))
        for task in self._in_flight:
            task.cancel()
        await finished

    async def _work(self, delivery: Delivery) -> None:
        """Takes one delivery to its end; a cancelled one is given back."""
        record = delivery.record
        structlog.contextvars.bind_contextvars(topic=record.topic, partition=record.partition, offset=record.offset)
        try:
            await self._take_all(self._read(record))
        except asyncio.CancelledError:
            self._source.release(delivery)
            raise
        self._source.settle(delivery)

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

    async def _take_all(self, readings: list[Wanted | Faulty]) -> None:
        """The first one has the slot that its delivery came with, each further one waits for a slot of its own."""
        if not readings:
            self._slots.release()
        async with asyncio.TaskGroup() as group:
            for number, reading in enumerate(readings):
                if number:
                    await self._slots.acquire()
                task = group.create_task(self._attempts.take(reading))
                task.add_done_callback(lambda _: self._slots.release())
