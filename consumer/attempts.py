"""One attempt at what was found in a record, whatever happens in it: at its end the broker knows how it ended."""

from __future__ import annotations

import time

import structlog

from consumer.core.deadletters import replay_count
from consumer.core.failures import JobError, TransientError
from consumer.core.intake.readings import Faulty, Wanted
from consumer.core.jobs import Job, make_job
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
        default_output: str,
    ) -> None:
        """Borrows its parts; results go to the default where a request names no other place."""
        self._handler = handler
        self._settlement = settlement
        self._progress = progress
        self._patience = patience
        self._meter = meter
        self._default_output = default_output
        self.in_progress = 0
        """Attempts under way."""

    async def take(self, reading: Wanted | Faulty, turn: Turn) -> None:
        """Ends when the outcome, or the dead letter and the failed outcome, are with the broker.

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
        self._tell_failure(faulty.record, faulty.error, stopwatch)

    async def _work(self, wanted: Wanted, stopwatch: Stopwatch, turn: Turn) -> None:
        record = wanted.record
        job = make_job(wanted.request, default_output=self._default_output, replay_count=replay_count(record))
        structlog.contextvars.bind_contextvars(job_id=job.job_id, attempt=job.attempt)
        try:
            handled = await self._handle(job, record, stopwatch, turn)
        except JobError as error:
            await self._set_aside(record, error, job, stopwatch)
        except Exception as exc:  # noqa: BLE001  # whatever a job meets is its own failure and nobody else's
            await self._set_aside(record, unexpected(exc), job, stopwatch)
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

    async def _set_aside(self, record: Record, error: JobError, job: Job, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            await self._settlement.set_aside(record, error, job)
        self._tell_failure(record, error, stopwatch)

    def _tell_failure(self, record: Record, error: JobError, stopwatch: Stopwatch) -> None:
        queued_s = _queued_s(record, stopwatch)
        log.warning(
            "job_settled",
            outcome=Kind.FAILED,
            code=error.code,
            error=error.message,
            queued_s=queued_s,
            **stopwatch.fields(),
        )
        self._meter.settled(JobEnd(Kind.FAILED, error.code, False, None, queued_s, stopwatch.total_s, stopwatch.stages))


def unexpected(error: Exception) -> TransientError:
    """What is said of an error that nobody foresaw; the log gets the whole of it.."""
    log.error("unexpected_error", exc_info=error)
    return TransientError(ErrorCode.INTERNAL, f"unexpected {type(error).__name__}; the worker's log has the details")


def _queued_s(record: Record, stopwatch: Stopwatch) -> float:
    """Seconds between the record's timestamp and the start of its work."""
    return round(max(time.time() - stopwatch.total_s - record.timestamp_ms / 1000, 0.0), 4)
