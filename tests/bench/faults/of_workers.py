"""Faults of whole workers: killed, asked to leave, joined by others, frozen, wrong about the time, out of disk."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Final

from tests.bench.faults.results import partitions_of
from tests.bench.faults.scene import SESSION_S, Scene, name_of
from tests.bench.faults.shifted_clock import SHIFT_S
from tests.bench.faults.small_disk import SIZE
from tests.e2e.worker_process import WorkerProcess

_SKEW_S: Final = 600
"""Each way; a store refuses what is signed a quarter of an hour off."""
_FROZEN_S: Final = SESSION_S + 15
_DISK_BYTES: Final = 4 * 1024**2
_FULL_S: Final = 15.0
_REFILL_S: Final = 0.1
_KILLS: Final = 12
"""Of the job that kills its worker: more than any limit on deliveries that makes sense."""
_BALLAST: Final = b"\0" * 65536


async def nothing(scene: Scene) -> None:
    """No fault: what the others are compared with."""
    await scene.fleet()
    await scene.send()


async def killed(scene: Scene) -> None:
    """A worker is killed in the midst of jobs; the other one goes on alone."""
    await scene.fleet()
    await scene.send()
    await scene.midway()
    await scene.kill(await scene.at_work())


async def killed_and_replaced(scene: Scene) -> None:
    """The same, with a new worker at once, as an orchestrator has it."""
    await killed(scene)
    await scene.fleet(1)


async def terminated(scene: Scene) -> None:
    """A rolling restart: each worker is asked to stop in the midst of a job, and replaced."""
    first = await scene.fleet()
    await scene.send()
    await scene.midway()
    for worker in first:
        await scene.busy(worker)
        await scene.leave(worker)
        await scene.fleet(1)


async def left(scene: Scene) -> None:
    """One of three workers leaves for good in the midst of a job."""
    await scene.fleet(3)
    await scene.send()
    await scene.midway()
    await scene.leave(await scene.at_work())


async def joined(scene: Scene) -> None:
    """A third worker joins in the midst of jobs."""
    await scene.fleet()
    await scene.send()
    await scene.midway()
    await scene.at_work()
    await scene.fleet(1)
    scene.struck()


async def frozen(scene: Scene) -> None:
    """A worker stands still until it is out of the group, and wakes up."""
    await scene.fleet()
    await scene.send()
    await scene.midway()
    worker = await scene.at_work()
    partitions = await partitions_of(scene.deployment, scene.id_of(worker))
    frozen_s = time.monotonic()
    worker.signal(signal.SIGSTOP)
    await asyncio.sleep(_FROZEN_S)  # how long the fault lasts; nothing is awaited
    worker.signal(signal.SIGCONT)
    scene.struck(frozen_s, worker, over_s=frozen_s, partitions=partitions)  # others need not wait for it to wake up


async def skewed(scene: Scene) -> None:
    """One clock is ten minutes slow, one as much fast; the slow one's worker is killed in the midst of a job."""
    slow, _ = await asyncio.gather(*(_skewed(scene, shift) for shift in (-_SKEW_S, _SKEW_S)))
    await scene.send()
    await scene.midway()
    await scene.busy(slow)
    await scene.kill(slow)
    await _skewed(scene, -_SKEW_S)


async def _skewed(scene: Scene, shift_s: float) -> WorkerProcess:
    return await scene.launch("tests.bench.faults.shifted_clock", **{SHIFT_S: str(shift_s)})


async def disk_full(scene: Scene) -> None:
    """The disk of both workers' scratch folders is full for a while."""
    folder = scene.deployment.folder / "disk"
    folder.mkdir()
    settings = {SIZE: str(_DISK_BYTES), "STENO_SCRATCH__DIR": str(folder), "STENO_SCRATCH__MIN_FREE_BYTES": "0"}
    workers = [await scene.launch("tests.bench.faults.small_disk", **settings) for _ in range(2)]
    await scene.send()
    await scene.midway(0.1)
    full_s = time.monotonic()
    ballast = [Path(f"/proc/{worker.process.pid}/root{folder}/ballast") for worker in workers]
    while time.monotonic() - full_s < _FULL_S:
        for path in ballast:
            await asyncio.to_thread(_fill, path)
        await asyncio.sleep(_REFILL_S)  # files that are closed meanwhile make room
    for path in ballast:
        path.unlink()
    scene.struck(full_s)


def _fill(path: Path) -> None:
    """Writes until nothing fits any more: first by large pieces, then by bytes."""
    with path.open("ab", buffering=0) as file:
        for piece in (_BALLAST, b"\0"):
            try:
                while file.write(piece) == len(piece):
                    pass
            except OSError:
                continue


async def killing_job(scene: Scene) -> None:
    """A job that ends every worker which begins it; each one is replaced."""
    await scene.fleet()
    killer = name_of(scene.jobs // 2)
    requests = [scene.request(number) for number in range(scene.jobs)]
    scene.expect(killer, "WORKER_LOST")
    requests[scene.jobs // 2]["options"]["hotwords"] = f"{killer} fake:slow=5"
    await scene.publish(requests)
    killed_at = 0
    while killer not in scene.watch.ended and scene.strikes < _KILLS:
        begun = [seen for seen in scene.watch.begun if seen.name == killer]
        if len(begun) > killed_at:
            killed_at = len(begun)
            await scene.kill(scene.worker_of(begun[-1]))
            scene.deployment.launch_worker()
        await asyncio.sleep(0.05)
