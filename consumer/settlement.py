"""How a delivery ends: its outcome or dead letter is with the broker, and only then it is settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from consumer.core.deadletters import DeadLetterOffice, dead_letter, truncated_dead_letter
from consumer.core.events import Emitter, failed_outcome, outcome_record, unreadable_outcome, unreadable_record
from consumer.core.failures import JobError
from consumer.core.intake import salvage_job_id
from consumer.core.jobs import Job
from consumer.core.records import Delivery, OutboundRecord
from consumer.patience import Patience
from consumer.ports import RecordRefusedError, Sink, Source
from contracts.events import OutcomeEvent

log = structlog.get_logger(__name__)


class Settlement:
    """Ends deliveries. While the broker is away it waits, the delivery stays open and its slot stays taken."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        patience: Patience,
        *,
        emitter: Emitter,
        office: DeadLetterOffice,
        now: Callable[[], datetime],
    ) -> None:
        """Borrows its ports."""
        self._patience = patience
        self._source = source
        self._sink = sink
        self._emitter = emitter
        self._office = office
        self._now = now

    async def complete(self, delivery: Delivery, job: Job, outcome: OutcomeEvent) -> None:
        """Tells the outcome, then settles."""
        await self._publish(outcome_record(self._emitter, job, outcome, now=self._now(), cause=delivery.record))
        self._source.settle(delivery)

    async def set_aside(self, delivery: Delivery, error: JobError, job: Job | None) -> None:
        """Writes the dead letter, tells the failed outcome, then settles.

        Args:
            delivery: what is set aside, whole.
            error: why.
            job: None when the record held none.
        """
        attempt = job.attempt if job else 1
        letter = dead_letter(self._office, delivery.record, error, attempt=attempt, now=self._now())
        try:
            await self._publish(letter)
        except RecordRefusedError as exc:
            log.warning("dead_letter_truncated", topic=letter.topic, error=str(exc))
            await self._publish(truncated_dead_letter(letter, delivery.record))
        await self._publish(self._failure(delivery, error, job))
        self._source.settle(delivery)

    def _failure(self, delivery: Delivery, error: JobError, job: Job | None) -> OutboundRecord:
        record, worker, now = delivery.record, self._emitter.worker, self._now()
        if job is not None:
            return outcome_record(self._emitter, job, failed_outcome(job, error, worker), now=now, cause=record)
        outcome = unreadable_outcome(salvage_job_id(record.value), error, worker)
        return unreadable_record(self._emitter, outcome, now=now, cause=record)

    async def _publish(self, record: OutboundRecord) -> None:
        await self._patience.outlast("publish", lambda: self._sink.publish(record))
