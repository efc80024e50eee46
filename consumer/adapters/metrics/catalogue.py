"""Every metric of a worker: its name, what it means and the closed set of labels it has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Type(StrEnum):
    """What a metric is, in Prometheus' words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One name. No label holds an id, a tenant or anything else that a request may choose."""

    name: str
    type: Type
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in seconds."""


_STAGE_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800, 3600)
_JOB_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
_QUEUE_S: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600)

JOBS: Final = Metric(
    "steno_jobs_total", Type.COUNTER, "jobs settled; `code` is empty for `completed`", ("outcome", "code")
)
REPEATS: Final = Metric(
    "steno_jobs_repeated_total", Type.COUNTER, "of them, those whose result was there already: nothing was transcribed"
)
IN_PROGRESS: Final = Metric("steno_jobs_in_progress", Type.GAUGE, "jobs that are worked on, from lookup to outcome")
JOB_S: Final = Metric(
    "steno_job_seconds", Type.HISTOGRAM, "from the start of a job's work to its confirmed outcome", ("outcome",), _JOB_S
)
STAGE_S: Final = Metric(
    "steno_stage_seconds", Type.HISTOGRAM,
    "time of a job in a stage: `lookup` (is it done already), `fetch`, `decode`, `wait` (for a slot of the engine), "
    "`engine`, `write`, `publish`",
    ("stage",), _STAGE_S,
)  # fmt: skip
QUEUE_S: Final = Metric(
    "steno_queue_delay_seconds", Type.HISTOGRAM, "from a request's timestamp to the start of its work", (), _QUEUE_S
)
AUDIO_S: Final = Metric("steno_audio_seconds_total", Type.COUNTER, "seconds of audio transcribed")
RECEIVED: Final = Metric("steno_deliveries_received_total", Type.COUNTER, "records taken from the requests topic")
IGNORED: Final = Metric(
    "steno_notifications_ignored_total", Type.COUNTER,
    "what was acknowledged and started nothing: `other_event`, `own_object`, `no_records`", ("reason",),
)  # fmt: skip
PAUSED: Final = Metric(
    "steno_intake_paused", Type.GAUGE,
    "1 while no further job is taken, by the code of the outage that is why; for local disk also while there is no "
    "room for more media",
    ("reason",),
)  # fmt: skip
OUTAGES: Final = Metric(
    "steno_outages_total", Type.COUNTER, "outages that began, by code; of a model also those of its own jobs alone",
    ("reason",),
)  # fmt: skip
OUTAGE_S: Final = Metric("steno_outage_seconds_total", Type.COUNTER, "how long they lasted", ("reason",))
PARKED: Final = Metric("steno_jobs_parked", Type.GAUGE, "jobs that gave their slot away while they wait")
RETRIES: Final = Metric("steno_retries_total", Type.COUNTER, "jobs put off to a retry topic, by error code", ("code",))
STATUS_FAILURES: Final = Metric(
    "steno_status_write_failures_total", Type.COUNTER, "statuses of jobs that could not be written"
)
DEAD_LETTERS: Final = Metric("steno_dead_letters_total", Type.COUNTER, "records set aside, by error code", ("code",))
REBUILDS: Final = Metric(
    "steno_consumer_rebuilds_total", Type.COUNTER, "times the Kafka consumer stood still or failed and was replaced"
)
RESTARTS: Final = Metric(
    "steno_engine_ends_total", Type.COUNTER,
    "ends of the engine process, each followed by a restart: `crash`, `memory`, `stuck`, `still`, or `closed` "
    "(recycled on purpose)",
    ("cause",),
)  # fmt: skip
START_FAILURES: Final = Metric(
    "steno_engine_start_failures_total", Type.COUNTER, "restarts of the engine that came to nothing"
)
LOADS: Final = Metric("steno_model_loads_total", Type.COUNTER, "models loaded, the default one included")
LOAD_S: Final = Metric("steno_model_load_seconds_total", Type.COUNTER, "time that took")
LOAD_FAILURES: Final = Metric("steno_model_load_failures_total", Type.COUNTER, "models that could not be loaded")
EVICTIONS: Final = Metric("steno_model_evictions_total", Type.COUNTER, "models dropped to make room for others")
LOADED: Final = Metric("steno_models_loaded", Type.GAUGE, "models in memory now")
SLOTS: Final = Metric("steno_engine_slots", Type.GAUGE, "jobs that the engine runs at once")
SCRATCH: Final = Metric("steno_scratch_bytes", Type.GAUGE, "media in flight on local disk")
SCRATCH_FULL: Final = Metric(
    "steno_scratch_full", Type.GAUGE, "1 while no further job is taken because there is no room for its media"
)
READY: Final = Metric("steno_ready", Type.GAUGE, "1 while `/readyz` is 200")
CHECK: Final = Metric(
    "steno_ready_check", Type.GAUGE,
    "1 for each check of `/readyz` that holds: `model_loaded`, `group_joined`, `accepting`", ("check",),
)  # fmt: skip
BUILD: Final = Metric("steno_build_info", Type.GAUGE, "always 1; says what runs", ("version", "python"))

METRICS: Final = (
    JOBS, REPEATS, IN_PROGRESS, JOB_S, STAGE_S, QUEUE_S, AUDIO_S, RECEIVED, IGNORED, PAUSED, OUTAGES,
    OUTAGE_S, PARKED, RETRIES, DEAD_LETTERS, STATUS_FAILURES, REBUILDS, RESTARTS,
    START_FAILURES, LOADS, LOAD_S, LOAD_FAILURES, EVICTIONS, LOADED, SLOTS, SCRATCH, SCRATCH_FULL, READY, CHECK, BUILD,
)  # fmt: skip
