"""Faults of the broker and of the way there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from tests.bench.faults.scene import SOON_S, Scene
from tests.proxy.kafka import Call
from tests.proxy.relay import Nth, Step
from tests.waiting import until

AWAY_S: Final = 60.0
_CUTS: Final = 10


def away(seconds: float) -> Callable[[Scene], Awaitable[None]]:
    """The broker is killed, and comes back on its data after so long."""

    async def play(scene: Scene) -> None:
        await scene.fleet()
        await scene.send()
        await scene.midway()
        assert scene.kafka.service is not None
        died_s = time.monotonic()
        await asyncio.to_thread(scene.kafka.service.stop)
        await asyncio.sleep(seconds)  # how long the fault lasts; nothing is awaited
        await asyncio.to_thread(scene.kafka.service.start)
        scene.struck(died_s)

    return play


def cut(call: Call, step: Step) -> Callable[[Scene], Awaitable[None]]:
    """The connection is cut in every so many calls of a kind."""

    async def play(scene: Scene) -> None:
        await scene.fleet(2, **by_proxy(scene))
        nth = arm(scene, call, step)
        await scene.send()
        await until(lambda: nth.picked == _CUTS or scene.is_done, "the cuts", within_s=SOON_S)

    return play


def by_proxy(scene: Scene) -> dict[str, str]:
    """What leads a worker to the broker by way of the proxy."""
    return {"STENO_KAFKA__BOOTSTRAP_SERVERS": scene.kafka_proxy.address}


def arm(scene: Scene, call: Call, step: Step) -> Nth:
    """Has the proxy cut from now on, as often as the jobs give it occasion to."""
    nth = Nth(2 if call is Call.COMMIT else max(scene.jobs // _CUTS, 2), at_most=_CUTS)

    def rule(api_key: int) -> Step | None:
        if api_key != call or not nth():
            return None
        scene.struck()
        return step

    scene.kafka_proxy.rule = rule
    return nth
