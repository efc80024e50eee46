"""Calls that outlive their attempt take nothing with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from consumer.core.failures import OutageError, PermanentError
from consumer.ports import StoredObject
from consumer.turns import Turns
from contracts.errors import ErrorCode
from tests.fakes.store import FakeStore
from tests.waiting import until
from tests.worker_bench import Bench

DENIED = PermanentError(ErrorCode.OUTPUT_FORBIDDEN, "403")
THROTTLED = OutageError(ErrorCode.STORAGE_THROTTLED, "503")


class OddStore(FakeStore):
    """Denies the manifests of jobs called bad, and throttles a moment later what is looked up beside."""

    async def read(self, uri: str) -> StoredObject | None:
        if "/bad-" in uri and uri.endswith("manifest.json"):
            raise DENIED
        if "/bad-" in uri and uri.endswith("transcript.json"):
            for _ in range(20):
                await asyncio.sleep(0)
            raise THROTTLED
        return await super().read(uri)


async def test_a_look_up_beside_one_that_failed_keeps_no_slot(tmp_path: Path) -> None:
    bench = Bench(tmp_path, store=OddStore())
    for number in range(4):
        bench.request(f"bad-{number}")
    bench.request("good")
    async with bench.running():
        await until(lambda: "good" in bench.ends, "the good job ends", every_s=0)
        assert len(bench.ends) == 5


async def test_a_turn_that_has_ended_takes_no_slot_again() -> None:
    turns = Turns(1)
    await turns.slots.acquire()
    turn = turns.make()
    async with turn.parked():
        turn.end()
        turn.retake()
    async with turn.parked():
        pass
    async with asyncio.timeout(5):
        await turns.slots.acquire()

    assert turns.parked == 0
