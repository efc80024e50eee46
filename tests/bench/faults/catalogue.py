"""Every fault of the table: its name, what it is, what plays it, and what it may cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.bench.faults import of_brokers, of_engines, of_requests, of_stores, of_workers
from tests.bench.faults.promises import Bounds
from tests.bench.faults.scene import CLIPS, Scene
from tests.proxy.kafka import Call
from tests.proxy.relay import Step


@dataclass(frozen=True)
class Fault:
    """One row of the table."""

    name: str
    title: str
    play: Callable[[Scene], Awaitable[None]]
    bounds: Bounds = field(default_factory=Bounds)
    settings: Mapping[str, str] = field(default_factory=dict)
    """Beside those of every row."""


_IN_FLIGHT: Final = 3
"""Jobs that a worker of two slots has in hand."""
_KILL: Final = Bounds(again=_IN_FLIGHT, outcomes_s=20, begun_s=30)
_SHARED: Final = Bounds(transcriptions=len(CLIPS))
_PATIENT: Final = {"STENO_ENGINE__JOB_TIMEOUT_S": str(of_engines.JOB_TIMEOUT_S)}

_CUTS: Final = (
    *(
        Fault(f"cut-{call.name.lower()}-{step}", f"connection cut {step} a {what}", of_brokers.cut(call, step))
        for call, what in ((Call.PRODUCE, "produce"), (Call.FETCH, "fetch"), (Call.COMMIT, "commit"))
        for step in Step
    ),
    *(
        Fault(f"cut-{method.lower()}-{step}", f"connection cut {step} an S3 {method}", of_stores.cut(method, step))
        for method in ("PUT", "GET")
        for step in Step
    ),
)
FAULTS: Final = (
    Fault("none", "none", of_workers.nothing, Bounds(again=0, is_struck=False)),
    Fault("engine-killed", "engine process killed, three times", of_engines.killed, Bounds(again=of_engines.TIMES)),
    Fault("engine-hung", "engine process stands still", of_engines.stopped, Bounds(again=0), _PATIENT),
    Fault("job-crashes-engine", "four jobs crash the engine", of_engines.crashing_jobs),
    Fault("job-hangs", "two jobs never end", of_engines.hanging_jobs, settings=_PATIENT),
    Fault("worker-killed", "worker killed mid-job", of_workers.killed, _KILL),
    Fault("worker-killed-replaced", "the same, replaced at once", of_workers.killed_and_replaced, _KILL),
    Fault("job-kills-worker", "a job that always kills its worker", of_workers.killing_job),
    Fault("worker-terminated", "rolling restart: SIGTERM mid-job", of_workers.terminated),
    Fault("worker-joins", "rebalance mid-job: a worker joins", of_workers.joined, Bounds(again=0)),
    Fault("worker-leaves", "rebalance mid-job: a worker leaves", of_workers.left),
    Fault("worker-frozen", "worker frozen past its session, then woken", of_workers.frozen, Bounds(again=_IN_FLIGHT)),
    Fault("clock-skew", "clocks 20 minutes apart, and a kill", of_workers.skewed, _KILL),
    Fault("disk-full", "disk full in scratch for 15 s", of_workers.disk_full, Bounds(again=0)),
    Fault("broker-restarted", "broker killed and started", of_brokers.away(0.0)),
    Fault("broker-away", "broker away for 60 s", of_brokers.away(of_brokers.AWAY_S)),
    *_CUTS,
    Fault("store-away", "S3 away for 60 s", of_stores.away),
    Fault("store-away-queued", "100 jobs queued, S3 away for 60 s", of_stores.away_with_a_queue, Bounds(again=0)),
    Fault("store-errors", "S3 answers 500 to 30 %", of_stores.failing, Bounds(again=0)),
    Fault("store-slow", "S3 takes 0.5 s longer", of_stores.slow, Bounds(again=0)),
    Fault("store-throttles", "S3 says SlowDown above 30 calls/s", of_stores.throttled, Bounds(again=0)),
    Fault("poison", "bytes that are no request, files that are no media", of_requests.poison, Bounds(again=0)),
    Fault("late-uploads", "one object in ten comes after its request", of_requests.late_uploads),
    Fault("same-content", f"{len(CLIPS)} recordings asked for by all jobs", of_requests.same_content, _SHARED),
    Fault("duplicates", "each request three times at once", of_requests.duplicates, Bounds(again=0)),
)  # fmt: skip
