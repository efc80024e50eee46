"""The engine process in good and in bad times."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from consumer.core.failures import ConsumerError, OutageError, PermanentError, TransientError
from consumer.engine.supervisor import ProcessEngine
from consumer.ports import Engine, EngineResult
from contracts.errors import ErrorCode
from contracts.requests import Options
from tests.engines import located, make_engine_config, make_samples, spec
from tests.processes import is_running
from tests.speech import LONGEST, SHORT, Clip
from tests.waiting import until

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


async def transcribe(engine: Engine, clip: Clip = SHORT, **options: Any) -> EngineResult:
    with make_samples(clip) as samples:
        return await engine.transcribe(samples, Options.model_validate(options, strict=False), lambda _: None)


def text_of(result: EngineResult) -> str:
    return "".join(segment.text for segment in result.segments)


def pid_of(engine: ProcessEngine) -> int:
    assert engine.process_id is not None
    return engine.process_id


async def test_a_result_says_what_made_it() -> None:
    config = make_engine_config()
    async with ProcessEngine(config) as engine:
        assert engine.is_ready
        result = await transcribe(engine, mode="batched", temperature=[0])
    assert text_of(result) == " has never been surpassed."
    assert (result.engine, result.mode, result.device) == ("faster-whisper", "batched", "cpu")
    assert result.compute_type.startswith("int8")
    assert result.model == config.models[0].identity
    assert result.options["temperature"] == [0.0]
    assert set(result.versions) == {"faster-whisper", "ctranslate2", "av", "numpy", "onnxruntime", "steno"}


async def test_progress_rises_to_the_length_of_the_audio() -> None:
    heard: list[float] = []
    async with ProcessEngine(make_engine_config()) as engine:
        with make_samples(LONGEST) as samples:
            await engine.transcribe(samples, Options(), heard.append)
    assert len(heard) > 2
    assert heard == sorted(set(heard))
    assert heard[-1] == samples.duration_s


@pytest.mark.parametrize("slots", [1, 2])
async def test_jobs_that_come_together_take_turns_or_share_the_process(slots: int) -> None:
    async with ProcessEngine(make_engine_config(slots=slots)) as engine:
        assert engine.slots == slots
        results = await asyncio.gather(*(transcribe(engine) for _ in range(3)))
    assert {text_of(result) for result in results} == {" has never been surpassed."}


async def test_a_killed_engine_fails_its_job_and_serves_the_next() -> None:
    async with ProcessEngine(make_engine_config()) as engine:
        first = pid_of(engine)
        with make_samples(LONGEST) as samples, pytest.raises(TransientError, match="ended by SIGKILL") as caught:
            await engine.transcribe(samples, Options(), lambda _: os.kill(first, signal.SIGKILL))
        assert caught.value.code is ErrorCode.ENGINE_CRASHED
        assert not engine.is_ready
        assert text_of(await transcribe(engine)) == " has never been surpassed."
        assert pid_of(engine) != first
        assert not is_running(first)


async def test_two_jobs_in_a_killed_engine_both_finish() -> None:
    async with ProcessEngine(make_engine_config(slots=2)) as engine:
        first = pid_of(engine)
        jobs = [asyncio.create_task(transcribe(engine, clip)) for clip in (LONGEST, SHORT, SHORT)]
        await asyncio.sleep(0.2)
        os.kill(first, signal.SIGSEGV)
        results = await asyncio.gather(*jobs)
        assert pid_of(engine) != first
    assert [text_of(result) for result in results[1:]] == [" has never been surpassed."] * 2


async def test_jobs_for_two_models_that_do_not_fit_together_are_both_served() -> None:
    async with ProcessEngine(make_engine_config("tiny.en", "base", models_bytes=150_000_000)) as engine:
        results = await asyncio.gather(*(transcribe(engine, model=model) for model in ("tiny.en", "base", "tiny.en")))
        assert len(engine.status.loaded) == 1
    assert [result.model.name for result in results] == ["tiny.en", "base", "tiny.en"]


async def test_an_engine_that_dies_idle_is_replaced() -> None:
    async with ProcessEngine(make_engine_config()) as engine:
        first = pid_of(engine)
        os.kill(first, signal.SIGSEGV)
        await until(lambda: engine.process_id not in (None, first))
        assert text_of(await transcribe(engine)) == " has never been surpassed."


async def test_a_hung_engine_is_killed_at_the_jobs_deadline() -> None:
    async with ProcessEngine(make_engine_config(job_timeout_s=1)) as engine:
        first = pid_of(engine)
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(TransientError, match="longer than 1 s") as caught:
            await transcribe(engine)
        assert caught.value.code is ErrorCode.ENGINE_TIMEOUT
        await until(lambda: engine.process_id not in (None, first))
        assert not is_running(first)


async def cancel_at_first_progress(engine: Engine) -> None:
    begun = asyncio.Event()
    with make_samples(LONGEST) as samples:
        job = asyncio.create_task(engine.transcribe(samples, Options(), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 30)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job


async def test_a_cancelled_job_frees_its_slot_and_keeps_the_process() -> None:
    async with ProcessEngine(make_engine_config(cancel_timeout_s=30)) as engine:
        first = pid_of(engine)
        await cancel_at_first_progress(engine)
        assert text_of(await transcribe(engine)) == " has never been surpassed."
        assert pid_of(engine) == first


async def test_a_cancelled_job_that_does_not_stop_costs_the_process() -> None:
    async with ProcessEngine(make_engine_config(cancel_timeout_s=0)) as engine:
        first = pid_of(engine)
        await cancel_at_first_progress(engine)
        assert text_of(await transcribe(engine)) == " has never been surpassed."
        assert pid_of(engine) != first


async def test_an_error_of_the_caller_ends_the_job() -> None:
    def refuse(_: float) -> None:
        raise LookupError("no such progress bar")

    async with ProcessEngine(make_engine_config()) as engine:
        with make_samples(LONGEST) as samples, pytest.raises(LookupError):
            await engine.transcribe(samples, Options(), refuse)
        assert text_of(await transcribe(engine)) == " has never been surpassed."


async def test_samples_that_are_not_there_fail_only_their_job() -> None:
    async with ProcessEngine(make_engine_config()) as engine:
        with make_samples(SHORT, count=10_000_000) as samples, pytest.raises(ConsumerError) as caught:
            await engine.transcribe(samples, Options(), lambda _: None)
        assert isinstance(caught.value, PermanentError | TransientError)
        assert text_of(await transcribe(engine)) == " has never been surpassed."


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"model": "large-v3"}, ErrorCode.MODEL_UNKNOWN, "no model 'large-v3': ask for 'tiny.en'"),
        ({"language": "de"}, ErrorCode.REQUEST_INVALID, "model 'tiny.en' knows English only"),
        ({"task": "translate"}, ErrorCode.REQUEST_INVALID, "cannot translate"),
    ],
)
async def test_what_the_model_cannot_serve_is_refused(options: dict[str, Any], code: ErrorCode, message: str) -> None:
    async with ProcessEngine(make_engine_config()) as engine:
        with pytest.raises(PermanentError, match=message) as caught:
            await transcribe(engine, **options)
    assert caught.value.code is code


async def test_a_language_newer_than_the_model_is_refused() -> None:
    async with ProcessEngine(make_engine_config("base")) as engine:
        with pytest.raises(PermanentError, match="'base' does not know it") as caught:
            await transcribe(engine, language="yue")
    assert caught.value.code is ErrorCode.REQUEST_INVALID


async def test_weights_that_vanish_are_an_outage_until_they_are_back(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in located("tiny.en").path.iterdir():
        (folder / file.name).symlink_to(file)
    async with ProcessEngine(make_engine_config(models=(replace(spec("tiny.en"), path=folder),))) as engine:
        folder.rename(tmp_path / "away")
        os.kill(pid_of(engine), signal.SIGKILL)
        await until(lambda: not engine.is_ready)
        with pytest.raises(OutageError, match=r"model 'tiny\.en' cannot be loaded") as caught:
            await transcribe(engine)
        assert caught.value.code is ErrorCode.MODEL_LOAD_FAILED
        (tmp_path / "away").rename(folder)
        await until(lambda: engine.is_ready)
        assert text_of(await transcribe(engine)) == " has never been surpassed."


async def test_without_a_gpu_auto_says_so_once_whatever_becomes_of_the_process() -> None:
    with structlog.testing.capture_logs() as lines:
        async with ProcessEngine(make_engine_config(device="auto")) as engine:
            first = pid_of(engine)
            os.kill(first, signal.SIGKILL)
            await until(lambda: engine.process_id not in (None, first))
            device = engine.status.device
    told = [line["reason"] for line in lines if line["event"] == "engine_falls_back"]
    assert [reason.partition(" (")[0] for reason in told] == (
        [] if device == "cuda" else ["no CUDA device is to be seen"]
    )


async def test_auto_takes_what_is_there() -> None:
    async with ProcessEngine(make_engine_config(device="auto", compute_type="auto", cpu_threads=0)) as engine:
        result = await transcribe(engine)
    assert (result.device, result.compute_type.partition("_")[0]) in (("cpu", "int8"), ("cuda", "float16"))


async def test_closing_ends_the_process_and_its_job() -> None:
    begun = asyncio.Event()
    with make_samples(LONGEST) as samples:
        async with ProcessEngine(make_engine_config()) as engine:
            child = pid_of(engine)
            job = asyncio.create_task(engine.transcribe(samples, Options(), lambda _: begun.set()))
            await asyncio.wait_for(begun.wait(), 30)
        with pytest.raises(TransientError):
            await job
    assert not is_running(child)
    assert not engine.is_ready
