"""The client library against a real worker: what contracts/README.md shows is run as it stands."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from contracts import Options
from contracts.client import ClientConfig, JobFailedError, StenoClient, SyncStenoClient
from contracts.events import ProgressEvent
from tests import speech
from tests.contract.examples import shown_python
from tests.e2e.fleet import Deployment

FRONT_PAGE: Final = Path(__file__).parents[2] / "README.md"
ENGINE: Final = {"STENO_ENGINE__KIND": "fake"}


@pytest.fixture
async def config(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> ClientConfig:
    """Of a client that finds a worker with the fake engine at work."""
    for name, value in deployment.address.environment().items():
        monkeypatch.setenv(name, value)
    await deployment.start_worker(**ENGINE)
    return ClientConfig(
        bootstrap_servers=deployment.bootstrap, requests_topic=deployment.requests, results_topic=deployment.results,
        progress_topic=f"{deployment.prefix}.progress", uploads_prefix=f"s3://{deployment.prefix}/uploads/",
        results_prefix=deployment.output,
    )  # fmt: skip


def shown_names() -> SimpleNamespace:
    """What the README's programs define."""
    names: dict[str, Any] = {}
    for block in shown_python():
        exec(block, names)  # noqa: S102 - our own README
    return SimpleNamespace(**names)


async def test_the_examples_of_the_readme_run(
    config: ClientConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    examples = shown_names()
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp3").write_bytes(speech.SHORT.path.read_bytes())
    (tmp_path / "c.mp3").write_bytes(b"no media")

    await asyncio.to_thread(examples.print_transcript, str(speech.SHORT.path), config)
    line = capsys.readouterr().out
    assert re.match(r" +0\.00 .+", line)
    texts = await examples.transcribe_all(f"{tmp_path}/*.mp3", config)
    assert len(texts) == 2
    assert all(texts.values())
    assert "c.mp3 MEDIA_UNSUPPORTED" in capsys.readouterr().out
    following = asyncio.create_task(examples.follow(config, began))
    told = ""
    async with asyncio.timeout(30):
        while told.count("\n") < 3:
            await asyncio.sleep(0.05)
            told += capsys.readouterr().out
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert {each.split()[0] for each in told.splitlines()} >= set(texts)


async def test_the_example_of_the_front_page_runs(
    config: ClientConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", FRONT_PAGE.read_text("utf-8"), re.DOTALL)
    shown_config = 'ClientConfig(bootstrap_servers="localhost:9092")'
    assert shown_config in program
    (tmp_path / "talk.mp3").write_bytes(speech.SHORT.path.read_bytes())
    monkeypatch.chdir(tmp_path)
    await asyncio.to_thread(exec, program.replace(shown_config, "config"), {"config": config})
    assert capsys.readouterr().out.strip()


async def test_a_job_is_waited_for_with_its_progress_and_by_its_id_alone(config: ClientConfig) -> None:
    heard: list[ProgressEvent] = []
    async with StenoClient(config) as client:
        job = await client.submit_file(speech.SHORT.path, job_id="mine")
        outcome = await client.wait(job, timeout_s=60, on_progress=heard.append)
        assert outcome.manifest == job.manifest_uri
        assert {event.job_id for event in heard} <= {"mine"}
        assert await client.wait("mine", timeout_s=60) == outcome
        transcript = await client.fetch_transcript(job)
    assert (transcript.job.job_id, transcript.job.fingerprint) == ("mine", job.fingerprint)


async def test_a_failure_is_raised_with_its_code_also_when_it_came_long_before(config: ClientConfig) -> None:
    def submit_and_wait() -> JobFailedError:
        with SyncStenoClient(config) as client, pytest.raises(JobFailedError) as caught:
            client.transcribe(speech.SHORT.path, job_id="bad", options=Options(hotwords="fake:error"), timeout_s=60)
        return caught.value

    failed = await asyncio.to_thread(submit_and_wait)
    assert (failed.code, failed.outcome.job_id) == ("INTERNAL", "bad")
    async with StenoClient(config) as client:
        with pytest.raises(JobFailedError, match="job bad: INTERNAL"):
            await client.wait("bad", timeout_s=60)


async def test_the_same_id_for_another_request_is_a_conflict_and_not_the_older_result(config: ClientConfig) -> None:
    async with StenoClient(config) as client:
        uri = await client.upload(speech.SHORT.path)
        first = await client.submit_file(uri, job_id="one")
        await client.wait(first, timeout_s=60)
        second = await client.submit_file(uri, job_id="one", options=Options(language="de"))
        with pytest.raises(JobFailedError, match="JOB_ID_CONFLICT"):
            await client.wait(second, timeout_s=60)
