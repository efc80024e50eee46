"""`steno submit --wait`, and what an interrupted command leaves; the test plays the worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from consumer.settings import Settings
from contracts import TranscriptionRequest
from tests.integration.submission import DEADLINE_S, fail, fail_first_job, furnished, published, requests, submit

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, unique: str, bucket: str) -> Settings:
    return await furnished(kafka, unique, bucket)


async def test_wait_ends_with_the_outcome_of_a_failed_job(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail_first_job(settings))
        command = group.create_task(submit(settings, "--wait", "s3://media/a.mp3"))
    assert command.result() == ExitCode.FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "steno: s3://media/a.mp3: there is no sound in it (MEDIA_NO_AUDIO)\n"


async def test_waits_under_one_job_id_are_told_of_their_own_requests(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(submit(settings, "--wait", "--timeout-s", "3", "--job-id", "J", "s3://media/a.mp3"))
        [_] = await published(settings, 1)
        second = group.create_task(submit(settings, "--wait", "--job-id", "J", "s3://media/b.mp3"))
        [_, other] = await published(settings, 2)
        await fail(settings, other)
    assert (first.result(), second.result()) == (ExitCode.FAILED, ExitCode.FAILED)
    error = capsys.readouterr().err
    assert "steno: s3://media/a.mp3: no outcome of job J within 3 s" in error
    assert "steno: s3://media/b.mp3: there is no sound in it (MEDIA_NO_AUDIO)" in error


async def test_wait_gives_up_after_its_time(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await submit(settings, "--wait", "--json", "--timeout-s", "0.5", "s3://media/a.mp3") == ExitCode.FAILED
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "WAIT_TIMED_OUT"


async def interrupted(settings: Settings, *arguments: str, **environment: str) -> tuple[TranscriptionRequest, str, str]:
    """Runs the command until a request is published, then interrupts it; the request, and what was said where."""
    variables = {
        "STENO_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "STENO_TOPICS__REQUESTS": settings.topics.requests,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "submit", *arguments,
        env=os.environ | variables | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        [request] = await requests(settings, 1)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 130
    return request, out.decode(), err.decode()


async def test_an_interrupted_command_tells_what_was_submitted(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a store that takes connections and says nothing
        store = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        request, out, err = await interrupted(settings, str(tmp_path / "a.wav"), "s3://media/b.mp3", **store)
    assert out == f"{request.job_id}\ts3://media/b.mp3\n"
    assert err.strip() == "steno: interrupted"


async def test_an_interrupted_wait_tells_which_jobs_go_on(settings: Settings) -> None:
    request, out, err = await interrupted(settings, "--wait", "s3://media/b.mp3")
    assert out == ""
    assert err.splitlines()[0] == (
        f"steno: s3://media/b.mp3: job {request.job_id} goes on; steno watch {request.job_id} follows it,"
        f" steno cancel {request.job_id} ends it"
    )
