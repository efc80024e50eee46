"""One attempt at what was found in a record, whatever happens in it: at its end the broker knows how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from consumer.attempt import Attempt
from consumer.core.failures import JobError, LeaseLostError
from consumer.core.hops import attempt_of, replay_count
from consumer.core.intake.readings import Faulty, Wanted
from consumer.core.jobs import make_job, sent_at
from consumer.core.ladder import Cancel, Ladder
from consumer.core.statuses import told_again, was_ended
from consumer.custody import Custody, Taken
from consumer.endings import Endings
from consumer.handler import Handled, Handler, Run
from consumer.patience import Patience
from consumer.ports.metering import Meter
from consumer.progress import ProgressReporter
from consumer.settlement import Settlement
from consumer.statuses import Statuses
from consumer.stopwatch import Stopwatch
from consumer.turns import Turn
from consumer.verdicts import judged

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
        self._config = config
        self._endings = Endings(partners.settlement, partners.progress, meter, config.ladder, config.now)
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
                await self._endings.refuse(reading, Stopwatch())
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
        noted = await self._endings.tell(attempt, end)
        await self._partners.statuses.note(
            attempt.job,
            noted,
            started_at=attempt.started_at,
            deliveries=taken.deliveries if taken else 1,
            is_ours=taken is not None and taken.lease is not None,
        )
