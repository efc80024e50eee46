"""Thousands of fake jobs through one worker: does it get slower, larger or leave files open?

`python -m tests.bench.endurance` runs them on Kafka and a stub of S3 and prints, for the start and each tenth of the
way, the rate, and the memory and open descriptors of the worker and of each kind of its children. The engine process
is not replaced meanwhile, so that what it keeps would add up.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests import media
from tests.bench.deploying import deployed_here
from tests.bench.stub_store import stub_store
from tests.e2e.fleet import Deployment
from tests.e2e.worker_process import WorkerProcess
from tests.processes import children_of, command_of, descendants_of, descriptors_of, status_of

_CLIP_S: Final = 5
_LOOKS: Final = 10
_KINDS: Final = {"consumer.engine.runtime": "engine", "consumer.media.forkserver": "forkserver"}
_WARM_UP: Final = 50


@dataclass(frozen=True)
class Look:
    """What a worker is at one moment."""

    jobs: int
    """Jobs settled so far."""
    jobs_per_s: float
    """Since the look before; 0 at the first one."""
    rss_mib: dict[str, float]
    """By kind of process."""
    descriptors: dict[str, int]
    children: int


async def endure(deployment: Deployment, worker: WorkerProcess, jobs: int, looks: int = _LOOKS) -> list[Look]:
    """Publishes jobs to an idle worker and looks at it on the way; one look before the first job, one after the last.

    Some jobs go through first, uncounted, so that the first look is at a worker that has done all of its imports.
    """
    clip = deployment.folder / "clip.wav"
    clip.write_bytes(media.make_wav(_CLIP_S * 16_000))
    uri = await deployment.upload(clip)
    async with _reader(deployment) as settled:
        await _publish(deployment, uri, _WARM_UP)
        await settled(_WARM_UP)
        found = [_look(worker, 0, 0.0)]
        await _publish(deployment, uri, jobs)
        started = time.monotonic()
        for before, done in itertools.pairwise(round(jobs * number / looks) for number in range(looks + 1)):
            await settled(_WARM_UP + done)
            now = time.monotonic()
            found.append(_look(worker, done, (done - before) / (now - started)))
            started = now
    return found


Settled = Callable[[int], Any]


@asynccontextmanager
async def _reader(deployment: Deployment) -> AsyncIterator[Settled]:
    """Waits until so many distinct jobs have an outcome."""
    reader = AIOKafkaConsumer(
        deployment.results, bootstrap_servers=deployment.bootstrap, auto_offset_reset="earliest", group_id=None
    )
    seen: set[bytes | None] = set()

    async def settled(count: int) -> None:
        async with asyncio.timeout(60 + count):
            while len(seen) < count:
                batches = await reader.getmany(timeout_ms=200)
                seen.update(record.key for batch in batches.values() for record in batch)

    async with reader:
        yield settled


async def _publish(deployment: Deployment, uri: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
        for _ in range(count):
            job_id = f"job-{uuid.uuid4().hex}"
            request = {"job_id": job_id, "input": {"uri": uri}}
            await producer.send(deployment.requests, json.dumps(request).encode(), key=job_id.encode())
        await producer.flush()


def _look(worker: WorkerProcess, jobs: int, rate: float) -> Look:
    pid = worker.process.pid
    kinds = {"worker": pid, **{kind: child for child in children_of(pid) if (kind := _kind_of(child))}}
    rss = {kind: round(int(status_of(each)["VmRSS"].split()[0]) / 1024, 1) for kind, each in kinds.items()}
    descriptors = {kind: len(descriptors_of(each)) for kind, each in kinds.items()}
    return Look(jobs, round(rate, 1), rss, descriptors, len(descendants_of(pid)))


def _kind_of(pid: int) -> str | None:
    return next((kind for module, kind in _KINDS.items() if module in command_of(pid)), None)


async def _run_here(jobs: int, slots: int) -> tuple[list[Look], int]:
    settings = {
        "STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": str(slots), "STENO_ENGINE__RECYCLE_JOBS": "0",
    }  # fmt: skip
    with stub_store() as s3:
        async with deployed_here("endurance", s3=s3, settings=settings) as deployment:
            worker = await deployment.start_worker()
            looks = await endure(deployment, worker, jobs)
            worker.signal(signal.SIGTERM)
            return looks, await worker.ended()


def main(write: Callable[[str], object] = print) -> None:
    """Prints a look a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=2)
    arguments = parser.parse_args()
    looks, code = asyncio.run(_run_here(arguments.jobs, arguments.slots))
    for look in looks:
        write(json.dumps(asdict(look)))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    write(json.dumps({"machine": machine, "exit_code": code}))


if __name__ == "__main__":
    main()
