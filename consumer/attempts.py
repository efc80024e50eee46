"""One attempt at what was found in a record, whatever happens in it: at its end the broker knows how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from consumer.attempt import Attempt, queued_s
from consumer.core.failures import JobError, LeaseLostError
from consumer.core.hops import Hop, attempt_of, replay_count
from consumer.core.intake.readings import Faulty, Wanted
from consumer.core.jobs import make_job, sent_at
from consumer.core.ladder import Cancel, Ladder, SetAside
from consumer.core.records import Record
from consumer.core.statuses import AttemptEnd, told_again, was_ended
from consumer.custody import Custody, Taken
from consumer.handler import Handled, Handler, Run
from consumer.patience import Patience
from consumer.ports.metering import JobEnd, Meter
from consumer.progress import ProgressReporter
from consumer.settlement import Settlement
from consumer.statuses import Statuses
from consumer.stopwatch import Stopwatch
from consumer.turns import Turn
from consumer.verdicts import judged
from contracts.events import Kind, OutcomeEvent

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AttemptsConfig:
    """What a worker's attempts have in common."""

    default_output: str
    """Where results go of requests that name no other place."""
    ladder: Ladder
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Partners:
    """Whom attempts turn to."""

    handler: Handler
    custody: Custody
    settlement: Settlement
    statuses: Statuses
    progress: ProgressReporter
    patience: Patience


class Attempts:
    """Takes readings to their ends. Any number may be under way at once."""

    def __init__(self, partners: Partners, *, meter: Meter, config: AttemptsConfig) -> None:
        """Borrows its parts."""
        self._partners = partners
        self._meter = meter
        self._config = config
        self.in_progress = 0
        """Attempts under way."""

    async def take(self, reading: Wanted | Faulty, turn: Turn) -> None:
        """Ends when the outcome, the retry, or the dead letter and the failed outcome, are with the broker.

        Until the turn has begun, cancelling wastes nothing that somebody would miss. It ends as if cancelled when
        another worker took the job over.
        """
        self.in_progress += 1
        try:
            if isinstance(reading, Wanted):
                await self._work(self._attempt(reading, turn))
            else:
                turn.begun()
                await self._refuse(reading, Stopwatch())
        except LeaseLostError as exc:
            log.warning("job_given_up", error=str(exc))
            raise asyncio.CancelledError from exc
        finally:
            self.in_progress -= 1

    def _attempt(self, wanted: Wanted, turn: Turn) -> Attempt:
        record = wanted.record
        job = make_job(
            wanted.request,
            default_output=self._config.default_output,
            attempt=attempt_of(record),
            replay_count=replay_count(record),
            sent_at=sent_at(record),
        )
        structlog.contextvars.bind_contextvars(job_id=job.job_id, attempt=job.attempt)
        return Attempt(job, record, turn, Stopwatch(), self._config.now())

    async def _refuse(self, faulty: Faulty, stopwatch: Stopwatch) -> None:
        with stopwatch.stage("publish"):
            await self._partners.settlement.refuse(faulty.record, faulty.error, faulty.job_id)
        self._tell_end(faulty.record, Kind.FAILED, faulty.error, stopwatch)

    async def _work(self, attempt: Attempt) -> None:
        custody = self._partners.custody
        taken = await judged(custody.take(attempt.job, attempt.stopwatch, attempt.turn))
        if not isinstance(taken, Taken):
            await self._end(attempt, taken)
            return
        async with custody.holding(taken, attempt.turn):
            if not await self._was_ended(attempt, taken):
                await self._end(attempt, await self._run(attempt, taken), taken)

    async def _was_ended(self, attempt: Attempt, taken: Taken) -> bool:
        """Whether this attempt was made before, and its offset not committed because an earlier one is open.

        What failed is then told again, and neither run nor set aside once more.
        """
        if taken.lease is None or taken.lease.is_first or not taken.standing.is_empty:
            return False
        status = await self._partners.statuses.find(attempt.job)
        if status is None or not was_ended(status, attempt.job):
            return False
        attempt.turn.begun()
        if outcome := told_again(status, attempt.job):
            await self._partners.settlement.complete(attempt.record, attempt.job, outcome)
        log.info("attempt_was_ended", state=status.state, worker=status.worker)
        return True

    async def _run(self, attempt: Attempt, taken: Taken) -> Handled | JobError | Cancel:
        if taken.objection is not None:
            return taken.objection
        return await judged(self._handle(attempt, taken))

    async def _handle(self, attempt: Attempt, taken: Taken) -> Handled:
        """Runs the handler, again and again while only a dependency is away.

        The handler raises outages of model and local disk alone, before there is a transcript: all of its waits may
        be ended by who wants the job no more.
        """
        partners, job, turn = self._partners, attempt.job, attempt.turn
        heed = partial(partners.custody.heeding, job)
        run = Run(
            job,
            partners.progress.follow(job, attempt.record),
            attempt.stopwatch,
            turn.begun,
            heed=heed,
        )
        if taken.lease is not None:
            run = replace(run, share=partners.custody.share(job, taken.lease, turn))
        return await partners.patience.outlast(
            "handle", lambda: partners.handler.run(run, taken.standing), model=job.request.options.model, heed=heed
        )

    async def _end(self, attempt: Attempt, end: Handled | JobError | Cancel, taken: Taken | None = None) -> None:
        """Tells how it ended, and notes it where people look."""
        attempt.turn.begun()  # what is to be told now is worth waiting for, a failure too
        noted = await self._tell(attempt, end)
        await self._partners.statuses.note(
            attempt.job,
            noted,
            started_at=attempt.started_at,
            deliveries=taken.deliveries if taken else 1,
            is_ours=taken is not None and taken.lease is not None,
        )

    async def _tell(self, attempt: Attempt, end: Handled | JobError | Cancel) -> AttemptEnd:
        match end:
            case Handled(outcome):
                with attempt.stopwatch.stage("publish"):
                    await self._partners.settlement.complete(attempt.record, attempt.job, outcome)
                self._log_completed(attempt, end)
                return AttemptEnd.with_outcome(outcome)
            case JobError():
                return await self._fail(attempt, end)
            case Cancel():
                return AttemptEnd.with_outcome(await self._cancel(attempt, end))

    def _log_completed(self, attempt: Attempt, handled: Handled) -> None:
        outcome, stopwatch = handled.outcome, attempt.stopwatch
        log.info(
            "job_settled",
            outcome=outcome.outcome,
            is_repeat=handled.is_repeat,
            audio_s=outcome.audio_s,
            queued_s=attempt.queued_s,
            **stopwatch.fields(),
        )
        self._meter.settled(
            JobEnd(
                outcome.outcome, None, handled.is_repeat, outcome.audio_s,
                attempt.queued_s, stopwatch.total_s, stopwatch.stages,
            )
        )  # fmt: skip

    async def _cancel(self, attempt: Attempt, end: Cancel) -> OutcomeEvent:
        with attempt.stopwatch.stage("publish"):
            outcome = await self._partners.settlement.cancel(attempt.record, attempt.job, end)
        self._tell_end(attempt.record, Kind.CANCELLED, end, attempt.stopwatch)
        return outcome

    async def _fail(self, attempt: Attempt, error: JobError) -> AttemptEnd:
        job = attempt.job
        deadline, now = job.request.deadline, self._config.now()
        match self._config.ladder.after(error, attempt=job.attempt, deadline=deadline, now=now):
            case Hop() as hop:
                return await self._retry(attempt, error, hop)
            case Cancel() as end:
                return AttemptEnd.with_outcome(await self._cancel(attempt, end))
            case SetAside():
                with attempt.stopwatch.stage("publish"):
                    outcome = await self._partners.settlement.set_aside(attempt.record, error, job)
                self._tell_end(attempt.record, Kind.FAILED, error, attempt.stopwatch)
                return AttemptEnd.with_outcome(outcome)

    async def _retry(self, attempt: Attempt, error: JobError, hop: Hop) -> AttemptEnd:
        record, job = attempt.record, attempt.job
        with attempt.stopwatch.stage("publish"):
            outcome = await self._partners.settlement.retry(record, error, job, hop)
        if outcome is not None:
            self._tell_end(record, Kind.FAILED, error, attempt.stopwatch)
            return AttemptEnd.with_outcome(outcome)
        self._partners.progress.tell_retry(job, record, error, hop)
        log.warning(
            "retry_scheduled",
            retry_topic=hop.topic,
            not_before=hop.not_before.isoformat(timespec="milliseconds"),
            code=error.code,
            error=error.message,
            **attempt.stopwatch.fields(),
        )
        return AttemptEnd.with_retry(error, hop.not_before)

    def _tell_end(self, record: Record, outcome: Kind, end: JobError | Cancel, stopwatch: Stopwatch) -> None:
        waited_s = queued_s(record, stopwatch)
        log.warning(
            "job_settled",
            outcome=outcome,
            code=end.code,
            error=end.message,
            queued_s=waited_s,
            **stopwatch.fields(),
        )
        self._meter.settled(JobEnd(outcome, end.code, False, None, waited_s, stopwatch.total_s, stopwatch.stages))
