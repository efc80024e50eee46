"""Deliveries to slots, to the handler, to settlement; and the drain at the end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog

from consumer.core.deadletters import replay_count
from consumer.core.failures import ExitCode, FatalError, JobError, TransientError
from consumer.core.intake import parse_request
from consumer.core.jobs import Job, make_job
from consumer.core.records import Delivery, Record
from consumer.handler import Handled, Handler
from consumer.patience import Patience
from consumer.ports import Source
from consumer.progress import ProgressReporter
from consumer.settlement import Settlement
from consumer.stopwatch import Stopwatch
from contracts.errors import ErrorCode

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How much at once, and how long to wait at the end."""

    slots: int
    """Deliveries worked on side by side: the next one is fetched and decoded while the engine is busy."""
    grace_s: float
    """What jobs in flight get after the drain began, in seconds."""
    default_output: str


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
        handler: Handler,
        settlement: Settlement,
        progress: ProgressReporter,
        patience: Patience,
        *,
        config: WorkerConfig,
    ) -> None:
        """Borrows its parts."""
        self._source = source
        self._handler = handler
        self._settlement = settlement
        self._progress = progress
        self._patience = patience
        self._config = config
        self._slots = asyncio.Semaphore(config.slots)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._defect = asyncio.Event()

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
            await self._slots.acquire()
            try:
                delivery = await self._source.receive()
            except BaseException:
                self._slots.release()
                raise
            task = asyncio.create_task(self._work(delivery))
            self._in_flight.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._slots.release()
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
            await self._attempt(delivery)
        except asyncio.CancelledError:
            self._source.release(delivery)
            raise

    async def _attempt(self, delivery: Delivery) -> None:
        """Whatever happens to a delivery before it is settled happens here, with a verdict."""
        stopwatch = Stopwatch()
        job: Job | None = None
        try:
            job = self._read(delivery.record)
            structlog.contextvars.bind_contextvars(job_id=job.job_id, attempt=job.attempt)
            handled = await self._handle(job, delivery.record, stopwatch)
        except JobError as error:
            await self._set_aside(delivery, error, job, stopwatch)
        except Exception as exc:
            log.exception("unexpected_error")
            text = f"unexpected {type(exc).__name__}; the worker's log has the details"
            await self._set_aside(delivery, TransientError(ErrorCode.INTERNAL, text), job, stopwatch)
        else:
            await self._complete(delivery, job, handled, stopwatch)

    def _read(self, record: Record) -> Job:
        request = parse_request(record.value)
        return make_job(request, default_output=self._config.default_output, replay_count=replay_count(record))

    async def _handle(self, job: Job, record: Record, stopwatch: Stopwatch) -> Handled:
        """Runs the handler, again and again while only a dependency is away."""
        notify = self._progress.follow(job, record)
        return await self._patience.outlast("handle", lambda: self._handler.run(job, notify, stopwatch))

    async def _complete(self, delivery: Delivery, job: Job, handled: Handled, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            await self._settlement.complete(delivery, job, handled.outcome)
        log.info(
            "job_settled",
            outcome=handled.outcome.outcome,
            is_repeat=handled.is_repeat,
            audio_s=handled.outcome.audio_s,
            queued_s=_queued_s(delivery.record, stopwatch),
            **stopwatch.fields(),
        )

    async def _set_aside(self, delivery: Delivery, error: JobError, job: Job | None, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            await self._settlement.set_aside(delivery, error, job)
        log.warning(
            "job_settled",
            outcome="failed",
            code=error.code,
            error=error.message,
            queued_s=_queued_s(delivery.record, stopwatch),
            **stopwatch.fields(),
        )


def _queued_s(record: Record, stopwatch: Stopwatch) -> float:
    """Seconds between the record's timestamp and the start of its work."""
    return round(max(time.time() - stopwatch.fields()["total_s"] - record.timestamp_ms / 1000, 0.0), 4)
