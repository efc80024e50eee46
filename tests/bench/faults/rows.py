"""Plays one fault from an empty deployment to a row of the table."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from tests.bench.faults.catalogue import Fault
from tests.bench.faults.evidence import Evidence
from tests.bench.faults.ledger import Row, make_row
from tests.bench.faults.results import lag_of, whole_sets
from tests.bench.faults.scene import CLIPS, SHORT_S, Scene, init_topics
from tests.bench.faults.services import Services
from tests.bench.faults.watch import watching
from tests.e2e.fleet import Deployment
from tests.e2e.worker_process import WorkerProcess
from tests.proxy.kafka import KafkaRelay
from tests.proxy.s3 import S3Relay
from tests.stack.clients import make_bucket
from tests.waiting import until

_COMMIT_S: Final = 30.0
_STOP_S: Final = 90.0
_NO_END: Final = -1
_QUIET_S: Final = 2.0
"""After the last worker's end: what it told last has come by then."""
_SETTINGS: Final = {
    "STENO_ENGINE__KIND": "fake",
    "STENO_ENGINE__SLOTS": "2",
    "STENO_ENGINE__FAKE_SWITCHES": f"slow={SHORT_S}",
    "STENO_SHUTDOWN__GRACE_S": "30",
    "STENO_RETRY__DELAYS_MS": "1000,2000,4000",
    "STENO_SHARING__ENABLED": "true",
}
OnProgress = Callable[[int, int], None]
"""Hears how many jobs have ended, of how many."""


@dataclass(frozen=True)
class Stage:
    """Where rows are played, and with how many jobs."""

    services: Services
    jobs: int
    folder: Path
    """Keeps the workers' log lines of the latest run, a folder for each fault."""


async def play(fault: Fault, stage: Stage, on_progress: OnProgress) -> Row:
    """One row. What goes wrong with the jobs stands in it; what goes wrong with the bench is raised."""
    started_s = time.monotonic()
    async with _scene(fault, stage) as scene:
        telling = asyncio.create_task(_tell(scene, on_progress))
        try:
            await _act(fault, scene)
            evidence = await _close(scene)
        finally:
            telling.cancel()
    return make_row(fault.name, fault.title, time.monotonic() - started_s, evidence, fault.bounds)


@asynccontextmanager
async def _scene(fault: Fault, stage: Stage) -> AsyncIterator[Scene]:
    folder = stage.folder / fault.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kafka, s3 = stage.services.kafka, stage.services.store.address
    name = f"faults-{uuid.uuid4().hex[:8]}"
    deployment = Deployment(kafka.bootstrap, s3, name, folder, {**_SETTINGS, **fault.settings})
    store_proxy = S3Relay(s3.endpoint.removeprefix("http://"))
    kafka_proxy = KafkaRelay(f"127.0.0.1:{stage.services.proxied_port}", stage.services.proxy_port)
    await make_bucket(s3, name)
    await init_topics(deployment)
    async with watching(deployment) as watch, store_proxy, kafka_proxy:
        scene = Scene(deployment, kafka, watch, store_proxy, kafka_proxy, stage.jobs)
        scene.clips = {clip.name: await deployment.upload(clip.path) for clip in CLIPS}
        try:
            yield scene
        finally:
            await deployment.close()


async def _act(fault: Fault, scene: Scene) -> None:
    """Plays the fault and waits for the end of every job; what does not come is told in the row."""
    try:
        await fault.play(scene)
        await scene.done()
    except AssertionError as exc:
        scene.remarks.append(f"waited in vain: {str(exc).splitlines()[0]}")


async def _close(scene: Scene) -> Evidence:
    """Waits for the commits, stops the workers, and collects what was seen."""
    lag = await _committed(scene)
    for worker in scene.living:
        worker.signal(signal.SIGTERM)
    codes = [await _exit_code(worker) for worker in scene.deployment.workers if worker not in scene.gone]
    await asyncio.sleep(_QUIET_S)
    return Evidence(
        sent=scene.sent,
        begun=scene.watch.begun,
        ends=scene.watch.ends,
        transcribed=scene.transcribed,
        letters=[scene.names.get(place, place) for place in scene.watch.letters],
        whole=await whole_sets(scene.deployment, scene.clip_of),
        lag=lag,
        exit_codes=codes,
        blows=scene.blows,
        strikes=scene.strikes,
        remarks=scene.remarks,
    )


async def _committed(scene: Scene) -> int:
    """Records that are not committed after a while; none, if all is well."""
    lag = len(scene.sent)

    async def is_none_left() -> bool:
        nonlocal lag
        with contextlib.suppress(KafkaError):  # where no worker ever came there is no group
            lag = await lag_of(scene.deployment)
        return lag == 0

    with contextlib.suppress(AssertionError):
        await until(is_none_left, "the commits", within_s=_COMMIT_S, every_s=0.5)
    return lag


async def _exit_code(worker: WorkerProcess) -> int:
    try:
        return await worker.ended(within_s=_STOP_S)
    except subprocess.TimeoutExpired:
        return _NO_END


async def _tell(scene: Scene, on_progress: OnProgress) -> None:
    while True:
        on_progress(len(scene.watch.ended), len(scene.sent))
        await asyncio.sleep(0.5)
