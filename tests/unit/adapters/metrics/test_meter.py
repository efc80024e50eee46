"""What is counted, and how it reads."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from consumer.adapters.metrics import METRICS, Metric, Metrics, Type, catalogue
from consumer.exposure import expose_scratch
from consumer.ports.metering import JobEnd
from consumer.scratch import Scratch, ScratchConfig
from consumer.stopwatch import STAGES
from contracts.errors import VERDICTS, ErrorCode, Verdict
from contracts.events import Kind
from tests import metrics_reference

COMPLETED = JobEnd(
    Kind.COMPLETED, None, is_repeat=False, audio_s=60.0, queued_s=2.0, total_s=4.0, stages=dict.fromkeys(STAGES, 0.5)
)
FAILED = JobEnd(
    Kind.FAILED, ErrorCode.MEDIA_CORRUPT, is_repeat=False, audio_s=None, queued_s=0.0, total_s=1.0, stages={"fetch": 1}
)


def values(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """By name and the values of the labels, which are sorted by their names."""
    families = parser.text_string_to_metric_families(metrics.page()[0].decode())
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_jobs_are_counted_by_outcome_and_code() -> None:
    metrics = Metrics()
    for end in (COMPLETED, COMPLETED, FAILED):
        metrics.settled(end)
    found = values(metrics)
    assert not [name for name, _ in found if name.endswith("_created")]
    assert found["steno_jobs_total", ("", "completed")] == 2
    assert found["steno_jobs_total", ("MEDIA_CORRUPT", "failed")] == 1
    assert found["steno_audio_seconds_total", ()] == 120.0
    assert found["steno_stage_seconds_sum", ("fetch",)] == 2.0
    assert found["steno_stage_seconds_count", ("engine",)] == 2
    assert found["steno_queue_delay_seconds_sum", ()] == 4.0
    assert found["steno_job_seconds_sum", ("completed",)] == 8.0


def test_a_disk_without_room_for_more_media_shows(tmp_path: Path) -> None:
    metrics, scratch = Metrics(), Scratch(ScratchConfig(tmp_path, max_bytes=1))
    expose_scratch(metrics, scratch)
    with scratch.file(expected_bytes=2):
        full = values(metrics)
    free = values(metrics)
    assert (full["steno_scratch_full", ()], full["steno_scratch_bytes", ()]) == (1.0, 2.0)
    assert (free["steno_scratch_full", ()], free["steno_scratch_bytes", ()]) == (0.0, 0.0)


def test_a_repeat_is_a_job_and_no_audio() -> None:
    metrics = Metrics()
    metrics.settled(replace(COMPLETED, is_repeat=True))
    found = values(metrics)
    assert found["steno_jobs_total", ("", "completed")] == 1
    assert found["steno_jobs_repeated_total", ()] == 1
    assert found["steno_audio_seconds_total", ()] == 0.0


def test_every_way_a_job_can_end_is_there_at_zero_before_the_first() -> None:
    found = values(Metrics())
    ends = {labels for name, labels in found if name == "steno_jobs_total"}
    codes = {code for code, verdict in VERDICTS.items() if verdict is not Verdict.OUTAGE}
    assert {code for code, _ in ends} == {"", *codes}
    assert {found["steno_jobs_total", end] for end in ends} == {0.0}
    assert {labels for name, labels in found if name == "steno_stage_seconds_count"} == {(stage,) for stage in STAGES}


def test_what_other_parts_keep_is_read_at_each_scrape() -> None:
    metrics, count = Metrics(), [1.0]
    metrics.read(catalogue.RECEIVED, lambda: {(): count[0]})
    metrics.read(catalogue.CHECK, lambda: {("accepting",): 0.0, ("model_loaded",): 1.0})
    assert values(metrics)["steno_deliveries_received_total", ()] == 1.0
    count[0] = 2.0
    found = values(metrics)
    assert found["steno_deliveries_received_total", ()] == 2.0
    assert found["steno_ready_check", ("accepting",)] == 0.0


def test_who_asks_for_openmetrics_gets_it() -> None:
    metrics = Metrics()
    metrics.settled(COMPLETED)
    body, content_type = metrics.page("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    families = openmetrics.text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]  # it has none
    assert "steno_jobs" in {family.name for family in families}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"steno_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.type is Type.COUNTER)
    assert bool(metric.buckets) == (metric.type is Type.HISTOGRAM)
    assert not set(metric.labels) & {"job_id", "tenant", "key", "uri", "worker"}


def test_names_are_given_once() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_readme_lists_every_metric() -> None:
    readme = metrics_reference.README.read_text("utf-8")
    assert metrics_reference.with_table(readme) == readme, "run 'make generate'"
