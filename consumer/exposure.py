"""What each part of a worker shows on `/metrics` beside the jobs, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consumer.adapters.kafka.source import KafkaSource
from consumer.adapters.metrics import Metrics, catalogue
from consumer.attempts import Attempts
from consumer.core.intake.readings import Reason
from consumer.engine.job import Cause
from consumer.engine.supervisor import ProcessEngine
from consumer.patience import Patience
from consumer.scratch import Scratch
from consumer.settlement import Settlement
from consumer.statuses import Statuses
from consumer.worker import Worker
from contracts.errors import VERDICTS, Verdict


def expose_readiness(metrics: Metrics, checks: Mapping[str, Callable[[], bool]]) -> None:
    """Shows whether the worker takes work, and what keeps it from that; from the start on."""
    metrics.read(catalogue.READY, lambda: {(): float(all(check() for check in checks.values()))})
    metrics.read(catalogue.CHECK, lambda: {(name,): float(check()) for name, check in checks.items()})


def expose_engine(metrics: Metrics, engine: ProcessEngine) -> None:
    """Shows the lives of the engine process and its models."""
    tally = engine.tally
    metrics.read(catalogue.RESTARTS, lambda: {(cause.name.lower(),): tally.ends[cause] for cause in Cause})
    metrics.read(catalogue.START_FAILURES, lambda: {(): tally.start_failures})
    metrics.read(catalogue.LOADS, lambda: {(): tally.loads})
    metrics.read(catalogue.LOAD_S, lambda: {(): tally.load_s})
    metrics.read(catalogue.LOAD_FAILURES, lambda: {(): tally.load_failures})
    metrics.read(catalogue.EVICTIONS, lambda: {(): tally.evictions})
    metrics.read(catalogue.LOADED, lambda: {(): len(engine.status.loaded)})
    metrics.read(catalogue.SLOTS, lambda: {(): engine.slots})


def expose_source(metrics: Metrics, source: KafkaSource) -> None:
    """Shows the troubles of the consumer."""
    metrics.read(catalogue.REBUILDS, lambda: {(): source.rebuilds})


def expose_scratch(metrics: Metrics, scratch: Scratch) -> None:
    """Shows how much media is in flight, and whether there is room for more."""
    metrics.read(catalogue.SCRATCH, lambda: {(): scratch.held_bytes})
    metrics.read(catalogue.SCRATCH_FULL, lambda: {(): float(scratch.lack is not None)})


def expose_jobs(metrics: Metrics, attempts: Attempts, settlement: Settlement, statuses: Statuses) -> None:
    """Shows jobs that are under way, those that were put off or set aside, and ends that were not noted."""
    codes = [code for code, verdict in VERDICTS.items() if verdict in {Verdict.PERMANENT, Verdict.TRANSIENT}]
    metrics.read(catalogue.IN_PROGRESS, lambda: {(): attempts.in_progress})
    metrics.read(catalogue.RETRIES, lambda: {(code,): settlement.retries[code] for code in codes})
    metrics.read(catalogue.STATUS_FAILURES, lambda: {(): statuses.failures})
    metrics.read(catalogue.DEAD_LETTERS, lambda: {(code,): settlement.dead_letters[code] for code in codes})


def expose_intake(metrics: Metrics, worker: Worker) -> None:
    """Shows what came in."""
    metrics.read(catalogue.RECEIVED, lambda: {(): worker.received})
    metrics.read(catalogue.IGNORED, lambda: {(reason,): worker.ignored[reason] for reason in Reason})
    metrics.read(catalogue.PAUSED, lambda: {(code,): float(is_paused) for code, is_paused in worker.pauses.items()})
    metrics.read(catalogue.PARKED, lambda: {(): worker.in_flight["parked"]})


def expose_outages(metrics: Metrics, patience: Patience) -> None:
    """Shows what was away, how often and for how long."""
    metrics.read(catalogue.OUTAGES, lambda: {(code,): count for code, count in patience.counts.items()})
    metrics.read(catalogue.OUTAGE_S, lambda: {(code,): seconds for code, seconds in patience.seconds.items()})
