"""Numbers of this worker, kept in memory and written down when somebody asks."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from consumer.adapters.metrics import catalogue
from consumer.adapters.metrics.catalogue import Metric, Type
from consumer.ports.metering import JobEnd
from consumer.stopwatch import STAGES
from contracts.errors import VERDICTS, Verdict
from contracts.events import Kind
from contracts.version import __version__

Values = Mapping[tuple[str, ...], float]
"""By the values of the labels; the only key of a metric without labels is ()."""
Read = Callable[[], Values]

_OUTCOMES: Final = {Verdict.PERMANENT: Kind.FAILED, Verdict.TRANSIENT: Kind.FAILED, Verdict.FINAL: Kind.CANCELLED}


class Metrics:
    """A registry of its own. Implements `ports.metering.Meter`; a job costs it some ten microseconds."""

    def __init__(self) -> None:
        """All counters at zero, with every value that their labels can have: a rate needs a first point."""
        # A second series for each counter, which few can read.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self._registry = CollectorRegistry()
        self._jobs = _counter(catalogue.JOBS, self._registry)
        self._repeats = _counter(catalogue.REPEATS, self._registry)
        self._audio_s = _counter(catalogue.AUDIO_S, self._registry)
        self._queue_s = _histogram(catalogue.QUEUE_S, self._registry)
        self._job_s = _histogram(catalogue.JOB_S, self._registry)
        stage_s = _histogram(catalogue.STAGE_S, self._registry)
        self._stages = {stage: stage_s.labels(stage) for stage in STAGES}
        for outcome, code in _ends():
            self._jobs.labels(outcome, code)
            self._job_s.labels(outcome)
        self._readings = _Readings()
        self._registry.register(self._readings)
        ProcessCollector(registry=self._registry)
        build: Values = {(__version__, platform.python_version()): 1.0}
        self.read(catalogue.BUILD, lambda: build)

    def settled(self, end: JobEnd) -> None:
        """Counts a job."""
        self._jobs.labels(end.outcome, end.code or "").inc()
        self._job_s.labels(end.outcome).observe(end.total_s)
        self._queue_s.observe(end.queued_s)
        for stage in STAGES:
            if stage in end.stages:
                self._stages[stage].observe(end.stages[stage])
        if end.is_repeat:
            self._repeats.inc()
        else:
            self._audio_s.inc(end.audio_s or 0.0)

    def read(self, metric: Metric, read: Read) -> None:
        """Has a counter or gauge read from where it is kept anyway, whenever somebody asks."""
        self._readings.add(metric, read)

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics now, and the type of this text: the one that suits an `Accept` header."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Readings(Collector):
    """Values that other parts keep."""

    def __init__(self) -> None:
        self._reads: dict[Metric, Read] = {}

    def add(self, metric: Metric, read: Read) -> None:
        self._reads[metric] = read

    def collect(self) -> Iterable[Family]:
        for metric, read in self._reads.items():
            make = CounterMetricFamily if metric.type is Type.COUNTER else GaugeMetricFamily
            family = make(metric.name, metric.meaning, labels=metric.labels)
            for labels, value in read().items():
                family.add_metric(labels, value)
            yield family


def _ends() -> Iterator[tuple[Kind, str]]:
    yield Kind.COMPLETED, ""
    for code, verdict in VERDICTS.items():
        if verdict in _OUTCOMES:
            yield _OUTCOMES[verdict], code


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name, metric.meaning, metric.labels, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.meaning, metric.labels, registry=registry, buckets=metric.buckets)
