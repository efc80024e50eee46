"""One attempt at what was found in a record, whatever happens in it: at its end the broker knows how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from consumer.core.failures import JobError, TransientError
from consumer.core.hops import Hop, attempt_of, replay_count
from consumer.core.intake.readings import Faulty, Wanted
from consumer.core.jobs import Job, make_job
from consumer.core.ladder import Cancel, Ladder, SetAside
from consumer.core.records import Record
from consumer.handler import Handled, Handler
from consumer.patience import Patience
from consumer.ports.metering import JobEnd, Meter
from consumer.progress import ProgressReporter
from consumer.settlement import Settlement
from consumer.stopwatch import Stopwatch
from consumer.turns import Turn
from contracts.errors import ErrorCode
from contracts.events import Kind

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AttemptsConfig:
    """What a worker's attempts have in common."""

    default_output: str
    """Where results go of requests that name no other place."""
    ladder: Ladder
    now: Callable[[], datetime]


class Attempts:
    """Takes readings to their ends. Any number may be under way at once."""

    def __init__(
        self,
        handler: Handler,
        settlement: Settlement,
        progress: ProgressReporter,
        patience: Patience,
        *,
        meter: Meter,
        config: AttemptsConfig,
    ) -> None:
        """Borrows its parts."""
        self._handler = handler
        self._settlement = settlement
        self._progress = progress
        self._patience = patience
        self._meter = meter
        self._config = config
        self.in_progress = 0
        """Attempts under way."""

    async def take(self, reading: Wanted | Faulty, turn: Turn) -> None:
        """Ends when the outcome, the retry, or the dead letter and the failed outcome, are with the broker.

        Until the turn has begun, cancelling wastes nothing that somebody would miss.
        """
        self.in_progress += 1
        try:
            if isinstance(reading, Wanted):
                await self._work(reading, Stopwatch(), turn)
            else:
                turn.begun()
                await self._refuse(reading, Stopwatch())
        finally:
            self.in_progress -= 1

    async def _refuse(self, faulty: Faulty, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            await self._settlement.refuse(faulty.record, faulty.error, faulty.job_id)
        self._tell_end(faulty.record, Kind.FAILED, faulty.error, stopwatch)

    async def _work(self, wanted: Wanted, stopwatch: Stopwatch, turn: Turn) -> None:
        record = wanted.record
        job = make_job(
            wanted.request,
            default_output=self._config.default_output,
            attempt=attempt_of(record),
            replay_count=replay_count(record),
        )
        structlog.contextvars.bind_contextvars(job_id=job.job_id, attempt=job.attempt)
        try:
            handled = await self._handle(job, record, stopwatch, turn)
        except JobError as error:
            await self._fail(record, error, job, stopwatch)
        except Exception as exc:  # noqa: BLE001  # whatever a job meets is its own failure and nobody else's
            await self._fail(record, unexpected(exc), job, stopwatch)
        else:
            await self._complete(record, job, handled, stopwatch)

    async def _handle(self, job: Job, record: Record, stopwatch: Stopwatch, turn: Turn) -> Handled:
        """Runs the handler, again and again while only a dependency is away."""
        notify = self._progress.follow(job, record)
        try:
            return await self._patience.outlast(
                "handle",
                lambda: self._handler.run(job, notify, stopwatch, turn.begun),
                model=job.request.options.model,
            )
        finally:
            turn.begun()  # what is to be told now is worth waiting for, a failure too

    async def _complete(self, record: Record, job: Job, handled: Handled, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            await self._settlement.complete(record, job, handled.outcome)
        outcome, queued_s = handled.outcome, _queued_s(record, stopwatch)
        log.info(
            "job_settled",
            outcome=outcome.outcome,
            is_repeat=handled.is_repeat,
            audio_s=outcome.audio_s,
            queued_s=queued_s,
            **stopwatch.fields(),
        )
        end = JobEnd(
            outcome.outcome, None, handled.is_repeat, outcome.audio_s, queued_s, stopwatch.total_s, stopwatch.stages
        )
        self._meter.settled(end)

    async def _fail(self, record: Record, error: JobError, job: Job, stopwatch: Stopwatch) -> None:
        deadline, now = job.request.deadline, self._config.now()
        match self._config.ladder.after(error, attempt=job.attempt, deadline=deadline, now=now):
            case Hop() as hop:
                await self._retry(record, error, job, hop, stopwatch)
            case Cancel() as end:
                with stopwatch.stage("publish"):
                    await self._settlement.cancel(record, job, end)
                self._tell_end(record, Kind.CANCELLED, end, stopwatch)
            case SetAside():
                with stopwatch.stage("publish"):
                    await self._settlement.set_aside(record, error, job)
                self._tell_end(record, Kind.FAILED, error, stopwatch)

    async def _retry(self, record: Record, error: JobError, job: Job, hop: Hop, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            is_put_off = await self._settlement.retry(record, error, job, hop)
        if not is_put_off:
            self._tell_end(record, Kind.FAILED, error, stopwatch)
            return
        self._progress.tell_retry(job, record, error, hop)
        log.warning(
            "retry_scheduled",
            retry_topic=hop.topic,
            not_before=hop.not_before.isoformat(timespec="milliseconds"),
            code=error.code,
            error=error.message,
            **stopwatch.fields(),
        )

    def _tell_end(self, record: Record, outcome: Kind, end: JobError | Cancel, stopwatch: Stopwatch) -> None:
        queued_s = _queued_s(record, stopwatch)
        log.warning(
            "job_settled",
            outcome=outcome,
            code=end.code,
            error=end.message,
            queued_s=queued_s,
            **stopwatch.fields(),
        )
        self._meter.settled(JobEnd(outcome, end.code, False, None, queued_s, stopwatch.total_s, stopwatch.stages))


def unexpected(error: Exception) -> TransientError:
    """What is said of an error that nobody foresaw; the log gets the whole of it.."""
    log.error("unexpected_error", exc_info=error)
    return TransientError(ErrorCode.INTERNAL, f"unexpected {type(error).__name__}; the worker's log has the details")


def _queued_s(record: Record, stopwatch: Stopwatch) -> float:
    """Seconds between the record's timestamp and the start of its work."""
    return round(max(time.time() - stopwatch.total_s - record.timestamp_ms / 1000, 0.0), 4)
