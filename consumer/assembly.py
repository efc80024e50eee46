"""A worker put together from its open parts."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from consumer import exposure, parts
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.source import KafkaSource
from consumer.adapters.metrics import Metrics
from consumer.adapters.s3_store import S3Store
from consumer.attempts import Attempts, AttemptsConfig, Partners
from consumer.cancellation import Cancellations
from consumer.core.brake import Brake
from consumer.custody import Custody
from consumer.engine.supervisor import ProcessEngine
from consumer.handler import Handler
from consumer.leases import Leases
from consumer.media.decoder import ProcessDecoder
from consumer.outlasting import HeededEngine, PatientStore
from consumer.patience import Patience
from consumer.progress import ProgressReporter
from consumer.scratch import Scratch
from consumer.settings import Settings
from consumer.settlement import Settlement
from consumer.sharing import Sharing
from consumer.statuses import Statuses
from consumer.worker import Worker, WorkerConfig

_DECODED_AHEAD: Final = 1
"""While the engine's slots are busy, the next delivery is fetched and decoded."""


@dataclass(frozen=True, slots=True)
class OpenParts:
    """What a worker is made of, open."""

    store: S3Store
    sink: KafkaSink
    decoder: ProcessDecoder
    engine: ProcessEngine
    source: KafkaSource


def make_worker(settings: Settings, opened: OpenParts, metrics: Metrics, stack: AsyncExitStack) -> Worker:
    """Borrows the parts; what it needs besides is closed with the stack, before them."""
    patience, scratch = Patience(), Scratch(parts.scratch_config(settings))
    progress = ProgressReporter(
        opened.sink, parts.make_emitter(settings), now=_now, is_enabled=settings.topics.publish_progress
    )
    settlement = _make_settlement(settings, opened.sink, patience)
    handler, custody = _make_custody(settings, opened, patience, scratch, stack)
    statuses = Statuses(opened.store, settings.s3.state_prefix, worker=settings.worker.id, now=_now)
    attempts = Attempts(
        Partners(handler, custody, settlement, statuses, progress, patience),
        meter=metrics,
        config=AttemptsConfig(default_output=settings.s3.results, ladder=settings.ladder, now=_now),
    )
    config = WorkerConfig(
        slots=opened.engine.slots + _DECODED_AHEAD,
        grace_s=settings.shutdown.grace_s,
        intake=parts.intake_rules(settings),
    )
    worker = Worker(opened.source, attempts, progress, scratch=scratch, patience=patience, config=config)
    exposure.expose_jobs(metrics, attempts, settlement, statuses)
    exposure.expose_scratch(metrics, scratch)
    exposure.expose_outages(metrics, patience)
    exposure.expose_intake(metrics, worker)
    return worker


def _make_settlement(settings: Settings, sink: KafkaSink, patience: Patience) -> Settlement:
    return Settlement(
        sink,
        patience,
        emitter=parts.make_emitter(settings),
        office=parts.make_office(settings),
        brake=Brake(parts.brake_config(settings)),
        now=_now,
    )


def _make_custody(
    settings: Settings, opened: OpenParts, patience: Patience, scratch: Scratch, stack: AsyncExitStack
) -> tuple[Handler, Custody]:
    store = PatientStore(opened.store, patience)
    engine = HeededEngine(opened.engine, patience)
    handler = Handler(store, opened.decoder, engine, scratch, config=parts.handler_config(settings), now=_now)
    patient_state = PatientStore(opened.store, patience, stands_for=parts.keeper_of_state(settings))
    leases = Leases(opened.store, patient_state, config=parts.lease_config(settings))
    stack.push_async_callback(leases.close)
    sharing = Sharing(store, leases, config=parts.sharing_config(settings, opened.engine.models), now=_now)
    cancellations = Cancellations(opened.store, settings.s3.state_prefix, now=_now)
    return handler, Custody(handler, leases, cancellations, sharing, now=_now)


def _now() -> datetime:
    return datetime.now(UTC)
