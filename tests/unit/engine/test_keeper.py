"""When the next engine process is started, and what those hear who wait for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from consumer.core.failures import OutageError
from consumer.engine.config import EngineConfig
from consumer.engine.keeper import Keeper, restart_delay_s
from contracts.errors import ErrorCode
from contracts.transcript import ModelIdentity


def make_config(*, load_timeout_s: float) -> EngineConfig:
    identity = ModelIdentity(name="base")
    return EngineConfig("base", Path("/models/base"), identity, "cpu", "int8", 1, 60, load_timeout_s=load_timeout_s)


def test_the_first_restart_is_at_once_and_failures_in_a_row_wait_ever_longer() -> None:
    assert [restart_delay_s(failures) for failures in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert restart_delay_s(100_000) == 30


async def test_no_engine_in_time_is_an_outage() -> None:
    with pytest.raises(OutageError, match="model 'base' cannot be loaded: not within 0 s") as caught:
        await Keeper(make_config(load_timeout_s=0)).wait()
    assert caught.value.code is ErrorCode.MODEL_LOAD_FAILED


async def test_who_waits_when_the_engine_closes_is_told() -> None:
    keeper = Keeper(make_config(load_timeout_s=60))
    waiting = asyncio.create_task(keeper.wait())
    await asyncio.sleep(0)
    await keeper.close()
    with pytest.raises(OutageError, match="the engine was closed"):
        await waiting
    assert keeper.session is None
