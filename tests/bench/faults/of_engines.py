"""Faults of the engine process and of jobs that cause them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterable
from typing import Final

from tests.bench.faults.scene import Scene, is_long, name_of
from tests.waiting import until

TIMES: Final = 3
"""A job that is alone in the process by then is charged, and tried again."""
JOB_TIMEOUT_S: Final = 12


async def killed(scene: Scene) -> None:
    """The engine process is killed under its jobs, three times."""
    await scene.fleet()
    await scene.send()
    await scene.midway()
    for _ in range(TIMES):
        worker = await scene.at_work()
        engine = scene.engine_of(worker)
        os.kill(engine, signal.SIGKILL)
        scene.struck(victim=worker)
        await asyncio.sleep(2.0)  # so that it has jobs again


async def stopped(scene: Scene) -> None:
    """The engine process stands still under its jobs."""
    await scene.fleet()
    await scene.send()
    await scene.midway()
    worker = await scene.at_work()
    engine, stopped_s = scene.engine_of(worker), time.monotonic()
    os.kill(engine, signal.SIGSTOP)
    await until(lambda: engine not in worker.descendants, "the end of the engine", within_s=4 * JOB_TIMEOUT_S)
    scene.struck(stopped_s, worker)


async def hanging_jobs(scene: Scene) -> None:
    """Two jobs never end."""
    await _troubled(scene, "fake:hang", "ENGINE_TIMEOUT", 2)


async def crashing_jobs(scene: Scene) -> None:
    """Four jobs end the engine process."""
    await _troubled(scene, "fake:crash", "ENGINE_CRASHED", 4)


async def _troubled(scene: Scene, words: str, code: str, count: int) -> None:
    await scene.fleet()
    requests = [scene.request(number) for number in range(scene.jobs)]
    for number in _spread(scene.jobs, count):
        requests[number]["options"]["hotwords"] = f"{name_of(number)} {words}"
        scene.expect(name_of(number), code)
        scene.strikes += 1
    await scene.publish(requests)


def _spread(jobs: int, count: int) -> Iterable[int]:
    """Short jobs, one in each part of the queue."""
    return [
        next(number for number in range(part * jobs // count, jobs) if not is_long(name_of(number)))
        for part in range(count)
    ]
