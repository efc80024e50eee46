"""How an attempt ends: its outcome, retry or dead letter is with the broker, and only then its delivery is settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog

from consumer.core.brake import Brake
from consumer.core.deadletters import DeadLetterOffice, dead_letter, truncated_dead_letter
from consumer.core.events import (
    Emitter,
    cancelled_outcome,
    failed_outcome,
    outcome_record,
    truncated_outcome,
    unreadable_outcome,
    unreadable_record,
)
from consumer.core.failures import ExitCode, FatalError, JobError, OutageError
from consumer.core.hops import Hop, attempt_of, hop_record
from consumer.core.jobs import Job
from consumer.core.ladder import Cancel
from consumer.core.outages import Dependency
from consumer.core.records import OutboundRecord, Record
from consumer.patience import Patience
from consumer.ports import RecordRefusedError, Sink
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent

log = structlog.get_logger(__name__)


class Settlement:
    """Ends attempts. While the broker is away it waits, the delivery stays open and its slot stays taken."""

    def __init__(
        self,
        sink: Sink,
        patience: Patience,
        *,
        emitter: Emitter,
        office: DeadLetterOffice,
        brake: Brake,
        now: Callable[[], datetime],
    ) -> None:
        """Borrows the sink."""
        self._brake = brake
        self._patience = patience
        self._sink = sink
        self._emitter = emitter
        self._office = office
        self._now = now
        self.dead_letters: Counter[ErrorCode] = Counter()
        """What was set aside, by code."""
        self.retries: Counter[ErrorCode] = Counter()
        """What was sent to a retry topic, by code."""

    async def complete(self, record: Record, job: Job, outcome: OutcomeEvent) -> None:
        """Tells the outcome."""
        await self._tell(outcome_record(self._emitter, job, outcome, now=self._now(), cause=record))
        if outcome.outcome is Kind.COMPLETED:
            self._brake.note_success()

    async def retry(self, record: Record, error: JobError, job: Job, hop: Hop) -> OutcomeEvent | None:
        """Puts the job off; sets it aside where the retry topic takes no record of its size.

        Returns:
            None when it will be tried again, else how it ended.
        """
        again = hop_record(self._office.sender, record, error, hop, now=self._now())
        try:
            await self._patience.outlast("publish", lambda: self._sink.publish(again), asks=Dependency.BROKER)
        except RecordRefusedError as exc:
            log.warning("retry_refused", topic=hop.topic, error=str(exc))
            return await self.set_aside(record, error, job)
        self.retries[error.code] += 1
        return None

    async def cancel(self, record: Record, job: Job, end: Cancel) -> OutcomeEvent:
        """Tells that the job has ended without a result and will not go on."""
        outcome = cancelled_outcome(job, end.code, end.message, self._emitter.worker)
        await self.complete(record, job, outcome)
        return outcome

    async def set_aside(self, record: Record, error: JobError, job: Job) -> OutcomeEvent:
        """Writes the job's dead letter, then tells its failed outcome.

        Raises:
            FatalError: it would be one too many; nothing was written.
        """
        self._ask_brake(error.code)
        await self._keep(dead_letter(self._office, record, error, attempt=job.attempt, now=self._now()), record)
        self.dead_letters[error.code] += 1
        outcome = failed_outcome(job, error, self._emitter.worker)
        await self.complete(record, job, outcome)
        return outcome

    async def refuse(self, record: Record, error: JobError, job_id: str | None) -> None:
        """The same of what holds no job; its job id where one is legible."""
        self._ask_brake(error.code)
        await self._keep(dead_letter(self._office, record, error, attempt=attempt_of(record), now=self._now()), record)
        self.dead_letters[error.code] += 1
        outcome = unreadable_outcome(job_id, error, self._emitter.worker)
        await self._tell(unreadable_record(self._emitter, outcome, now=self._now(), cause=record))

    def _ask_brake(self, code: ErrorCode) -> None:
        if reason := self._brake.check(code):
            raise FatalError(ExitCode.BRAKE, reason)
        self._brake.note_dead_letter(code)

    async def _keep(self, letter: OutboundRecord, record: Record) -> None:
        await self._publish(letter, lambda: truncated_dead_letter(letter, record))

    async def _tell(self, event: OutboundRecord) -> None:
        await self._publish(event, lambda: truncated_outcome(event))

    async def _publish(self, record: OutboundRecord, cut_short: Callable[[], OutboundRecord]) -> None:
        try:
            await self._patience.outlast("publish", lambda: self._sink.publish(record), asks=Dependency.BROKER)
        except RecordRefusedError as exc:
            log.warning("record_truncated", topic=record.topic, error=str(exc))
            short = cut_short()
            await self._patience.outlast("publish", lambda: self._publish_short(short), asks=Dependency.BROKER)

    async def _publish_short(self, record: OutboundRecord) -> None:
        """A topic that refuses this, too, is waited for like one that is away: to go on would lose a job's end."""
        try:
            await self._sink.publish(record)
        except RecordRefusedError as exc:
            text = f"the topic refuses what was cut short, too ({exc}); look at its max.message.bytes"
            raise OutageError(ErrorCode.BROKER_UNAVAILABLE, text) from exc
