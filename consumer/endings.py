"""How attempts end: the broker is told, then log lines and metrics follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from consumer.attempt import Attempt, queued_s
from consumer.core.failures import JobError
from consumer.core.hops import Hop
from consumer.core.intake.readings import Faulty
from consumer.core.ladder import Cancel, Ladder, SetAside
from consumer.core.records import Record
from consumer.core.statuses import AttemptEnd
from consumer.handler import Handled
from consumer.ports.metering import JobEnd, Meter
from consumer.progress import ProgressReporter
from consumer.settlement import Settlement
from consumer.stopwatch import Stopwatch
from contracts.events import Kind, OutcomeEvent

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Endings:
    """Ends attempts, by how they went and by what the ladder says of failures."""

    settlement: Settlement
    progress: ProgressReporter
    meter: Meter
    ladder: Ladder
    now: Callable[[], datetime]

    async def refuse(self, faulty: Faulty, stopwatch: Stopwatch) -> None:
        """Sets aside what is no job."""
        with stopwatch.stage("publish"):
            await self.settlement.refuse(faulty.record, faulty.error, faulty.job_id)
        self._count(faulty.record, Kind.FAILED, faulty.error, stopwatch)

    async def tell(self, attempt: Attempt, end: Handled | JobError | Cancel) -> AttemptEnd:
        """Publishes an outcome, or sends the request on to its next attempt; returns what to note of it."""
        match end:
            case Handled(outcome):
                with attempt.stopwatch.stage("publish"):
                    await self.settlement.complete(attempt.record, attempt.job, outcome)
                self._count_completed(attempt, end)
                return AttemptEnd.with_outcome(outcome)
            case JobError():
                return await self._fail(attempt, end)
            case Cancel():
                return AttemptEnd.with_outcome(await self._cancel(attempt, end))

    def _count_completed(self, attempt: Attempt, handled: Handled) -> None:
        outcome, stopwatch = handled.outcome, attempt.stopwatch
        log.info(
            "job_settled",
            outcome=outcome.outcome,
            is_repeat=handled.is_repeat,
            audio_s=outcome.audio_s,
            queued_s=attempt.queued_s,
            **stopwatch.fields(),
        )
        self.meter.settled(
            JobEnd(
                outcome.outcome, None, handled.is_repeat, outcome.audio_s,
                attempt.queued_s, stopwatch.total_s, stopwatch.stages,
            )
        )  # fmt: skip

    async def _cancel(self, attempt: Attempt, end: Cancel) -> OutcomeEvent:
        with attempt.stopwatch.stage("publish"):
            outcome = await self.settlement.cancel(attempt.record, attempt.job, end)
        self._count(attempt.record, Kind.CANCELLED, end, attempt.stopwatch)
        return outcome

    async def _fail(self, attempt: Attempt, error: JobError) -> AttemptEnd:
        job = attempt.job
        deadline, now = job.request.deadline, self.now()
        match self.ladder.after(error, attempt=job.attempt, deadline=deadline, now=now):
            case Hop() as hop:
                return await self._retry(attempt, error, hop)
            case Cancel() as end:
                return AttemptEnd.with_outcome(await self._cancel(attempt, end))
            case SetAside():
                with attempt.stopwatch.stage("publish"):
                    outcome = await self.settlement.set_aside(attempt.record, error, job)
                self._count(attempt.record, Kind.FAILED, error, attempt.stopwatch)
                return AttemptEnd.with_outcome(outcome)

    async def _retry(self, attempt: Attempt, error: JobError, hop: Hop) -> AttemptEnd:
        record, job = attempt.record, attempt.job
        with attempt.stopwatch.stage("publish"):
            outcome = await self.settlement.retry(record, error, job, hop)
        if outcome is not None:
            self._count(record, Kind.FAILED, error, attempt.stopwatch)
            return AttemptEnd.with_outcome(outcome)
        self.progress.tell_retry(job, record, error, hop)
        log.warning(
            "retry_scheduled",
            retry_topic=hop.topic,
            not_before=hop.not_before.isoformat(timespec="milliseconds"),
            code=error.code,
            error=error.message,
            **attempt.stopwatch.fields(),
        )
        return AttemptEnd.with_retry(error, hop.not_before)

    def _count(self, record: Record, outcome: Kind, end: JobError | Cancel, stopwatch: Stopwatch) -> None:
        waited_s = queued_s(record, stopwatch)
        log.warning(
            "job_settled",
            outcome=outcome,
            code=end.code,
            error=end.message,
            queued_s=waited_s,
            **stopwatch.fields(),
        )
        self.meter.settled(JobEnd(outcome, end.code, False, None, waited_s, stopwatch.total_s, stopwatch.stages))
