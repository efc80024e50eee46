"""Several models in one engine, some of which end or hold up the process that loads them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from consumer.core.failures import ExitCode, FatalError, OutageError
from consumer.engine import protocol
from consumer.engine.config import EngineConfig
from consumer.engine.supervisor import ProcessEngine
from consumer.ports import EngineResult
from contracts.errors import ErrorCode
from contracts.requests import Options
from tests.engine_jobs import job
from tests.engines import make_fake_config, make_noise
from tests.waiting import until


def make_config(*troubles: str, **changes: object) -> EngineConfig:
    """A good model, then one for each trouble that its loading makes."""
    config = make_fake_config("good", *(f"bad-{number}" for number in range(len(troubles))), **changes)
    bad = (replace(spec, path=Path(trouble)) for spec, trouble in zip(config.models[1:], troubles, strict=True))
    return replace(config, models=(config.models[0], *bad))


async def outcome(engine: ProcessEngine, model: str | None, hotwords: str | None = None) -> str:
    """The text's model, or the code of the outage."""
    with make_noise() as samples:
        try:
            result = await engine.transcribe(samples, Options(model=model, hotwords=hotwords), lambda _: None)
        except OutageError as exc:
            return exc.code
    assert isinstance(result, EngineResult)
    return result.model.name


def most_held(orders: list[protocol.Order]) -> int:
    """Models that a process holds at once which obeys these orders: it does so one after another."""
    held: set[str] = set()
    most = 0
    for order in orders:
        if isinstance(order, protocol.Load):
            held.add(order.model)
        elif isinstance(order, protocol.Unload):
            held.remove(order.model)
        most = max(most, len(held))
    return most


async def test_many_jobs_of_deadly_models_end_and_each_job_of_the_good_one_is_done() -> None:
    async with ProcessEngine(make_config("fake:crash", "fake:abort")) as engine:
        asked = ["good", "bad-0", "bad-1"] * 6
        outcomes = await asyncio.gather(*(outcome(engine, name) for name in asked))
        assert outcomes == [name if name == "good" else ErrorCode.MODEL_LOAD_FAILED for name in asked]
        await until(lambda: engine.is_ready)
        survivor = engine.process_id
        assert await outcome(engine, "bad-0") == await outcome(engine, "bad-1") == ErrorCode.MODEL_LOAD_FAILED
        assert await outcome(engine, "good") == "good"
        assert engine.process_id == survivor


async def test_a_model_whose_loading_hangs_is_given_up_in_time_and_good_jobs_are_done() -> None:
    async with ProcessEngine(make_config("fake:hang", load_timeout_s=3)) as engine:
        asked = ["good", "bad-0", "good", "bad-0", "good"]
        outcomes = await asyncio.wait_for(asyncio.gather(*(outcome(engine, name) for name in asked)), 30)
    assert outcomes == [name if name == "good" else ErrorCode.MODEL_LOAD_FAILED for name in asked]


async def test_a_default_model_whose_loading_hangs_stops_the_start_in_one_line() -> None:
    config = make_config(load_timeout_s=3)
    with pytest.raises(FatalError) as caught:
        async with ProcessEngine(replace(config, models=(replace(config.models[0], path=Path("fake:hang")),))):
            pass
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert caught.value.message == "model 'good' cannot be loaded: not loaded within 3 s"


async def test_loading_shows_in_what_readiness_tells_and_jobs_of_other_models_go_on() -> None:
    async with ProcessEngine(make_config("fake:slow=2", models_bytes=2)) as engine:
        assert (engine.status.loaded, engine.status.loading) == (("good",), None)
        slow = asyncio.create_task(outcome(engine, "bad-0"))
        await until(lambda: engine.status.loading == "bad-0")
        assert engine.is_ready
        assert await outcome(engine, "good") == "good"
        assert engine.status.loading == "bad-0"
        assert await slow == "bad-0"
        held = engine.status
    assert (set(held.loaded), held.loading) == ({"good", "bad-0"}, None)


async def test_jobs_may_name_any_allowed_model_and_more_are_held_than_fit_at_no_time() -> None:
    names = ["a", "b", "c", None, "c", "b", "a"] * 5
    with mock.patch.object(protocol, "pack", side_effect=protocol.pack) as packed:
        async with ProcessEngine(make_fake_config("a", "b", "c", models_bytes=2)) as engine:
            assert engine.status.loaded == ("a",)
            outcomes = await asyncio.gather(*(job(engine, model=name) for name in names))
            assert len(engine.status.loaded) == 2
            assert engine.tally.evictions > 0
    assert [each.model.name for each in outcomes if isinstance(each, EngineResult)] == [name or "a" for name in names]
    assert most_held([call.args[0] for call in packed.call_args_list]) == 2


async def test_who_waits_for_a_model_is_told_that_it_is_being_loaded() -> None:
    told: list[str] = []
    async with ProcessEngine(make_fake_config("a", "b")) as engine:
        for name in ("a", "b", "b"):
            with make_noise() as samples:
                tell = partial(told.append, name)
                await engine.transcribe(samples, Options(model=name), lambda _: None, tell)
        assert engine.status.loading is None
    assert told == ["b"]


async def test_another_model_is_unknown() -> None:
    async with ProcessEngine(make_fake_config("a", "b")) as engine:
        assert await job(engine, model="c") is ErrorCode.MODEL_UNKNOWN
