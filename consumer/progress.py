"""Progress events: published beside the work, never waited for, lost without harm."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from consumer.core.events import Emitter, progress_event, progress_record, retry_event
from consumer.core.failures import ConsumerError, JobError
from consumer.core.hops import Hop
from consumer.core.jobs import Job
from consumer.core.records import OutboundRecord, Record
from consumer.ports import RecordRefusedError, Sink
from consumer.transcription import Notify
from contracts.events import Kind, Stage

_INTERVAL_S: Final = 1.0
_MAX_IN_FLIGHT: Final = 64

log = structlog.get_logger(__name__)


class ProgressReporter:
    """Publishes at most one `progress` event a second for each job."""

    def __init__(self, sink: Sink, emitter: Emitter, *, now: Callable[[], datetime], is_enabled: bool) -> None:
        """Borrows the sink. Not enabled, it says nothing."""
        self._sink = sink
        self._emitter = emitter
        self._now = now
        self._is_enabled = is_enabled
        self._sending: set[asyncio.Task[None]] = set()

    def follow(self, job: Job, record: Record) -> Notify:
        """The ear for one attempt at a job."""
        last = -math.inf

        def notify(
            kind: Kind, *, done_s: float | None = None, audio_s: float | None = None, stage: Stage | None = None
        ) -> None:
            nonlocal last
            if kind is Kind.PROGRESS and stage is None:
                if time.monotonic() - last < _INTERVAL_S:
                    return
                last = time.monotonic()
            event = progress_event(job, kind, self._emitter.worker, done_s=done_s, audio_s=audio_s, stage=stage)
            self._send(progress_record(self._emitter, job, event, now=self._now(), cause=record))

        return notify

    def tell_retry(self, job: Job, record: Record, error: JobError, hop: Hop) -> None:
        """Tells that an attempt failed, and when the next one is due."""
        event = retry_event(job, error, hop.not_before, self._emitter.worker)
        self._send(progress_record(self._emitter, job, event, now=self._now(), cause=record))

    async def close(self) -> None:
        """Drops what is still on its way."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _send(self, record: OutboundRecord) -> None:
        if self._is_enabled and len(self._sending) < _MAX_IN_FLIGHT:
            task = asyncio.create_task(self._publish(record))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _publish(self, record: OutboundRecord) -> None:
        try:
            await self._sink.publish(record)
        except (ConsumerError, RecordRefusedError) as exc:
            log.debug("progress_lost", error=str(exc))
