"""Faults of the object store and of the way there."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from tests.bench.faults.of_brokers import AWAY_S
from tests.bench.faults.scene import SOON_S, Scene
from tests.proxy.relay import Nth, Step
from tests.proxy.s3 import INTERNAL_ERROR, PASS, SLOW_DOWN, Rule, S3Call, Treatment, let_pass
from tests.waiting import until

_CUTS: Final = 20
_PUTS: Final = 6
"""Of a job."""
_ERROR_SHARE: Final = 0.3
_LATE_S: Final = 0.5
_CALLS_PER_S: Final = 30.0
_THROTTLED_S: Final = 45.0
_QUEUED: Final = 100


async def _fleet(scene: Scene) -> None:
    await scene.fleet(2, **by_proxy(scene))


def away(scene: Scene) -> Awaitable[None]:
    """The store is cut off for a minute in the midst of jobs."""
    return _away(scene, scene.jobs, 0.2)


def away_with_a_queue(scene: Scene) -> Awaitable[None]:
    """The store is cut off before the first of a hundred jobs, for a minute."""
    return _away(scene, min(_QUEUED, scene.jobs), 0.0)


async def _away(scene: Scene, jobs: int, share: float) -> None:
    await _fleet(scene)
    if share:
        await scene.send(jobs)
        await scene.midway(share)
    left_s = time.monotonic()
    scene.store_proxy.cut()
    if not share:
        await scene.send(jobs)
    await asyncio.sleep(AWAY_S)  # how long the fault lasts; nothing is awaited
    scene.store_proxy.mend()
    scene.struck(left_s)


def cut(method: str, step: Step) -> Callable[[Scene], Awaitable[None]]:
    """The connection is cut in every so many calls of a method."""

    async def play(scene: Scene) -> None:
        await _fleet(scene)
        nth = arm(scene, method, step)
        await scene.send()
        await until(lambda: nth.picked == _CUTS or scene.is_done, "the cuts", within_s=SOON_S)

    return play


def by_proxy(scene: Scene) -> dict[str, str]:
    """What leads a worker to the store by way of the proxy."""
    return {"AWS_ENDPOINT_URL_S3": f"http://{scene.store_proxy.address}"}


def arm(scene: Scene, method: str, step: Step) -> Nth:
    """Has the proxy cut from now on, as often as the jobs give it occasion to."""
    nth = Nth(max(scene.jobs * _PUTS // (3 * _CUTS), 3), at_most=_CUTS)

    def rule(call: S3Call) -> Treatment:
        if call.method != method or not nth():
            return PASS
        scene.struck()
        return Treatment(cut=step)

    scene.store_proxy.rule = rule
    return nth


async def failing(scene: Scene) -> None:
    """Three of ten calls are answered with an internal error."""
    chance = random.Random(6)
    await _under(scene, lambda _: INTERNAL_ERROR if chance.random() < _ERROR_SHARE else PASS)


async def slow(scene: Scene) -> None:
    """Every call takes half a second longer."""
    await _under(scene, lambda _: Treatment(delay_s=_LATE_S))


async def throttled(scene: Scene) -> None:
    """For a while the store takes so many calls a second, and answers SlowDown to the others."""
    began_s, taken = time.monotonic(), 0

    def rule(_: S3Call) -> Treatment:
        nonlocal taken
        is_over = time.monotonic() - began_s > _THROTTLED_S
        if is_over or taken < (time.monotonic() - began_s) * _CALLS_PER_S:
            taken += 1
            return PASS
        return SLOW_DOWN

    await _fleet(scene)
    began_s = time.monotonic()
    scene.store_proxy.rule = scene.counted(rule)
    await scene.send()
    await asyncio.sleep(_THROTTLED_S)  # how long the fault lasts; nothing is awaited
    scene.struck(began_s)


async def _under(scene: Scene, rule: Rule) -> None:
    """All jobs under a rule, and at its end none."""
    await _fleet(scene)
    scene.store_proxy.rule = scene.counted(rule)
    await scene.send()
    await scene.done()
    scene.store_proxy.rule = let_pass
