"""How jobs pass through the engine process in good times: in line, side by side, from one process to the next."""

from __future__ import annotations

import asyncio
import os
import signal

from consumer.engine.supervisor import ProcessEngine
from consumer.ports import EngineResult
from contracts.requests import Options
from tests.engine_jobs import codes, job, pid_of, together
from tests.engines import make_fake_config, make_noise
from tests.waiting import until

MIB = 1024**2


async def test_the_fake_answers_like_an_engine() -> None:
    async with ProcessEngine(make_fake_config("base")) as engine:
        result = await job(engine, language="de", word_timestamps=True)
    assert isinstance(result, EngineResult)
    assert (result.engine, result.language, result.model.name) == ("fake", "de", "base")
    assert len(result.segments) == 1
    assert result.options["hotwords"] is None


async def test_a_cancelled_job_leaves_the_line() -> None:
    async with ProcessEngine(make_fake_config(slots=1)) as engine:
        first = asyncio.create_task(job(engine, "fake:slow=0.3"))
        waiting = asyncio.create_task(job(engine))
        await asyncio.sleep(0.1)
        waiting.cancel()
        third = asyncio.create_task(job(engine))
        assert codes([await first, await third]) == ["done", "done"]
        assert waiting.cancelled()


async def test_who_waits_when_the_engine_closes_is_told() -> None:
    async with ProcessEngine(make_fake_config(slots=1)) as engine:
        running = asyncio.create_task(job(engine, "fake:hang"))
        waiting = asyncio.create_task(job(engine))
        await asyncio.sleep(0.2)
    assert codes([await waiting]) == ["MODEL_LOAD_FAILED"]
    assert codes([await running]) == ["ENGINE_CRASHED"]


async def test_a_slow_process_does_not_hold_up_the_loop() -> None:
    async with ProcessEngine(make_fake_config()) as engine:
        os.kill(pid_of(engine), signal.SIGSTOP)
        jobs = [asyncio.create_task(job(engine)) for _ in range(50)]
        loop = asyncio.get_running_loop()
        longest_s, last_s = 0.0, loop.time()
        for _ in range(20):
            await asyncio.sleep(0.01)
            longest_s, last_s = max(longest_s, loop.time() - last_s), loop.time()
        os.kill(pid_of(engine), signal.SIGCONT)
        assert codes(await asyncio.gather(*jobs)) == ["done"] * 50
    assert longest_s < 1


async def test_a_process_is_replaced_after_so_many_jobs_and_between_two() -> None:
    async with ProcessEngine(make_fake_config(recycle_jobs=3)) as engine:
        first = pid_of(engine)
        outcomes = await together(engine, *["fake:slow=0.05"] * 7)
        await until(lambda: engine.is_ready)
        assert codes(outcomes) == ["done"] * 7
        assert pid_of(engine) != first


async def test_a_process_that_stays_large_is_replaced_between_jobs() -> None:
    async with ProcessEngine(make_fake_config(recycle_rss_bytes=200 * MIB)) as engine:
        first = pid_of(engine)
        assert codes(await together(engine, f"fake:leak={300 * MIB}")) == ["done"]
        await until(lambda: engine.process_id not in (None, first))
        assert codes([await job(engine)]) == ["done"]


async def test_progress_does_not_fall_back_when_a_job_runs_again() -> None:
    heard: list[float] = []
    async with ProcessEngine(make_fake_config()) as engine:
        with make_noise(90) as samples:
            options = Options(hotwords="fake:slow=0.2")
            long = asyncio.create_task(engine.transcribe(samples, options, heard.append))
            await until(lambda: len(heard) == 1)
            assert codes([await job(engine, "fake:crash")]) == ["ENGINE_CRASHED"]
            await long
    assert heard == [30.0, 60.0, 90.0]
