"""What becomes of the jobs in an engine process that ends, with the fake under the real supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from consumer.children.process import Child
from consumer.core.failures import TransientError
from consumer.engine.job import Blame, Cause, Ended
from consumer.engine.launch import EngineProcess
from consumer.engine.session import Session
from consumer.engine.supervisor import ProcessEngine
from contracts.errors import ErrorCode
from contracts.requests import Mode, Options
from tests.engine_jobs import codes, job, pid_of, together
from tests.engines import make_fake_config, make_noise
from tests.waiting import until

MIB = 1024**2


@pytest.mark.parametrize("switch", ["crash", "abort", "lost"])
async def test_of_jobs_that_share_a_crash_only_the_one_that_crashes_alone_is_charged(switch: str) -> None:
    async with ProcessEngine(make_fake_config(slots=4)) as engine:
        first = pid_of(engine)
        outcomes = await together(engine, "fake:slow=0.3", f"fake:slow=0.1 fake:{switch}", "fake:slow=0.3", None)
        assert pid_of(engine) != first
        assert codes(outcomes) == ["done", "ENGINE_CRASHED", "done", "done"]


async def test_a_device_that_is_lost_is_told_and_the_next_job_has_a_fresh_process() -> None:
    async with ProcessEngine(make_fake_config()) as engine:
        first = pid_of(engine)
        with make_noise() as samples, pytest.raises(TransientError, match="the device failed: CUDA failed") as caught:
            await engine.transcribe(samples, Options(hotwords="fake:lost"), lambda _: None)
        assert caught.value.code is ErrorCode.ENGINE_CRASHED
        assert codes([await job(engine)]) == ["done"]
        assert pid_of(engine) != first


async def test_two_that_crash_together_are_both_charged_and_the_third_finishes() -> None:
    async with ProcessEngine(make_fake_config(slots=3)) as engine:
        crash = "fake:slow=0.1 fake:crash"
        outcomes = await together(engine, crash, "fake:slow=0.3", crash)
    assert codes(outcomes) == ["ENGINE_CRASHED", "done", "ENGINE_CRASHED"]


async def test_a_model_that_ends_the_process_is_kept_out_and_innocent_jobs_are_not_charged() -> None:
    config = make_fake_config("good", "bad")
    bad = replace(config.models[1], path=Path("fake:slow=0.3 fake:crash"))
    async with ProcessEngine(replace(config, models=(config.models[0], bad))) as engine:
        outcomes = await asyncio.gather(job(engine, "fake:slow=1"), job(engine, model="bad"))
        assert codes(outcomes) == ["done", "MODEL_LOAD_FAILED"]
        survivor = engine.process_id
        assert codes([await job(engine, model="bad"), await job(engine)]) == ["MODEL_LOAD_FAILED", "done"]
        assert survivor in (None, pid_of(engine))


async def test_jobs_that_share_a_process_that_somebody_kills_run_again() -> None:
    async with ProcessEngine(make_fake_config()) as engine:
        jobs = asyncio.create_task(together(engine, "fake:slow=0.5", "fake:slow=0.5"))
        await asyncio.sleep(0.2)
        os.kill(pid_of(engine), signal.SIGKILL)
        assert codes(await jobs) == ["done", "done"]


async def test_a_hung_job_is_charged_and_its_neighbour_runs_again() -> None:
    async with ProcessEngine(make_fake_config(job_timeout_s=0.8)) as engine:
        first = pid_of(engine)
        hung = asyncio.create_task(job(engine, "fake:hang"))
        await asyncio.sleep(0.4)
        neighbour = asyncio.create_task(job(engine, "fake:slow=0.6"))
        assert codes([await hung, await neighbour]) == ["ENGINE_TIMEOUT", "done"]
        assert pid_of(engine) != first


async def test_a_hung_job_is_charged_at_its_first_deadline_where_others_get_on() -> None:
    loop = asyncio.get_running_loop()
    async with ProcessEngine(make_fake_config(job_timeout_s=1.6)) as engine:
        started_s = loop.time()
        hung = asyncio.create_task(job(engine, "fake:hang"))
        await asyncio.sleep(0.8)
        neighbour = asyncio.create_task(job(engine, "fake:slow=0.15", seconds=240))
        assert await hung is ErrorCode.ENGINE_TIMEOUT
        assert loop.time() - started_s < 2 * 1.6
        assert codes([await neighbour]) == ["done"]


async def test_of_two_in_a_process_that_stands_still_neither_is_charged() -> None:
    async with ProcessEngine(make_fake_config(job_timeout_s=0.8)) as engine:
        first = pid_of(engine)
        jobs = asyncio.create_task(together(engine, "fake:slow=0.5", "fake:slow=0.5"))
        await asyncio.sleep(0.2)
        os.kill(first, signal.SIGSTOP)
        assert codes(await jobs) == ["done", "done"]
        assert pid_of(engine) != first


async def test_of_two_whose_process_stands_still_before_they_begin_neither_is_charged() -> None:
    async with ProcessEngine(make_fake_config(job_timeout_s=0.8)) as engine:
        os.kill(pid_of(engine), signal.SIGSTOP)
        assert codes(await together(engine, None, None)) == ["done", "done"]


@pytest.mark.parametrize("place", [0, 1])
async def test_of_two_in_a_process_that_one_of_them_stops_only_that_one_is_charged(place: int) -> None:
    words: list[str | None] = ["fake:slow=0.4", "fake:slow=0.4"]
    words[place] = "fake:slow=0.2 fake:freeze"
    async with ProcessEngine(make_fake_config(job_timeout_s=0.8)) as engine:
        outcomes = codes(await together(engine, *words))
    assert outcomes == ["ENGINE_TIMEOUT" if each == place else "done" for each in (0, 1)]


class Undying(Child):
    """As a process in a driver's call: SIGKILL changes nothing."""

    def send_kill(self) -> None:
        pass


async def test_a_process_that_no_signal_ends_is_given_up_and_its_job_is_charged() -> None:
    config = make_fake_config()
    process, opened = await EngineProcess.launch(config)
    undying = replace(process, child=Undying(process.child.process, process.child.channel))
    ended: list[Session] = []
    session = Session(undying, opened, config, ended.append)
    await session.load(config.models[0])
    with make_noise() as samples:
        hung = session.start(samples, "base", Mode.SEQUENTIAL, {"word_timestamps": False, "hotwords": "fake:hang"})
    await until(lambda: hung.is_begun)
    session.end_overdue(hung, deadline_s=1)
    last = await asyncio.wait_for(hung.replies.get(), 20)
    assert isinstance(last, Ended)
    assert (last.cause, last.blame) == (Cause.STILL, Blame.ALONE)
    assert ended == [session]


async def test_a_job_that_does_not_stop_when_cancelled_leaves_its_neighbour_uncharged() -> None:
    async with ProcessEngine(make_fake_config(cancel_timeout_s=0.2)) as engine:
        hung = asyncio.create_task(job(engine, "fake:hang"))
        neighbour = asyncio.create_task(job(engine, "fake:slow=0.6"))
        await asyncio.sleep(0.2)
        hung.cancel()
        assert codes([await neighbour]) == ["done"]
        assert hung.cancelled()


async def test_a_device_without_memory_is_tried_alone_in_a_fresh_process() -> None:
    async with ProcessEngine(make_fake_config()) as engine:
        first = pid_of(engine)
        outcomes = await together(engine, "fake:slow=0.1 fake:oom", "fake:slow=0.3")
        assert codes(outcomes) == ["GPU_OUT_OF_MEMORY", "done"]
        await until(lambda: engine.process_id not in (None, first))
        assert codes([await job(engine)]) == ["done"]


async def test_a_process_that_grows_past_its_limit_is_ended_and_only_the_grower_is_charged() -> None:
    async with ProcessEngine(make_fake_config(max_rss_bytes=200 * MIB)) as engine:
        outcomes = await together(engine, f"fake:leak={300 * MIB} fake:slow=1", "fake:slow=1")
        assert codes(outcomes) == ["GPU_OUT_OF_MEMORY", "done"]


async def test_a_crash_every_twentieth_of_five_hundred_leaves_every_job_settled() -> None:
    async with ProcessEngine(make_fake_config(slots=4)) as engine:
        outcomes = await together(engine, *("fake:crash" if number % 20 == 19 else None for number in range(500)))
    assert codes(outcomes) == ["ENGINE_CRASHED" if number % 20 == 19 else "done" for number in range(500)]
