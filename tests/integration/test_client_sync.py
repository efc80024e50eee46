"""The client without `await`: in scripts, threads, beside a running loop, and interrupted."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from contracts.client import (
    ClientConfig,
    ClientError,
    JobFailedError,
    SubmitError,
    SyncStenoClient,
    WaitTimeoutError,
)
from contracts.events import Kind, ProgressEvent
from tests.integration.telling import REQUEST, TIMEOUT_S, Teller
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
def client(config: ClientConfig) -> Iterator[SyncStenoClient]:
    with SyncStenoClient(config) as opened:
        yield opened


async def test_it_works_while_a_loop_runs_as_in_a_notebook(client: SyncStenoClient, worker: Teller) -> None:
    job = client.submit(REQUEST)
    await worker.tell(Kind.COMPLETED, job.job_id)
    assert client.wait(job, timeout_s=TIMEOUT_S).job_id == job.job_id
    assert [outcome.job_id for outcome in client.as_completed([job], timeout_s=TIMEOUT_S)] == [job.job_id]


async def test_threads_share_one_client(client: SyncStenoClient, worker: Teller) -> None:
    jobs = [client.submit(REQUEST) for _ in range(8)]
    with ThreadPoolExecutor(len(jobs)) as threads:
        waits = [threads.submit(client.wait, job, timeout_s=TIMEOUT_S) for job in jobs]
        for job in jobs:
            await worker.tell(Kind.COMPLETED, job.job_id)
        assert [wait.result().job_id for wait in waits] == [job.job_id for job in jobs]


async def test_errors_are_those_of_the_other_client(client: SyncStenoClient, worker: Teller) -> None:
    await worker.tell(Kind.FAILED, "bad", code="MEDIA_CORRUPT")
    with pytest.raises(JobFailedError, match="MEDIA_CORRUPT"):
        client.wait("bad", timeout_s=TIMEOUT_S)
    with pytest.raises(WaitTimeoutError):
        client.wait("none", timeout_s=0.1)


async def test_outcomes_are_read_in_a_plain_loop_that_may_be_left(client: SyncStenoClient, worker: Teller) -> None:
    since = client.submit(REQUEST).submitted_at
    for name in ("a", "b", "c"):
        await worker.tell(Kind.COMPLETED, name)
    found = set()
    events = client.outcomes(since=since)
    for event in events:
        found.add(event.data.job_id)
        if len(found) == 3:
            break
    events.close()
    assert found == {"a", "b", "c"}


def test_many_inputs_are_submitted_in_order_and_what_failed_is_told(client: SyncStenoClient, tmp_path: Path) -> None:
    for name in ("b.mp3", "a.mp3", "[odd].mp3"):
        (tmp_path / name).write_bytes(b"x")
    there = "s3://media-bucket/there.mp3"
    jobs = client.submit_many([str(tmp_path / "[ab].mp3"), there, tmp_path / "[odd].mp3", str(tmp_path / "a.mp3")])
    assert [job.input_uri.rpartition("/")[2] for job in jobs] == ["a.mp3", "b.mp3", "there.mp3", "_odd_.mp3"]
    assert len({job.job_id for job in jobs}) == len(jobs)


def test_of_many_inputs_some_may_fail_and_the_others_are_submitted(
    config: ClientConfig, unique: str, tmp_path: Path
) -> None:
    file, there = tmp_path / "a.mp3", "s3://media-bucket/there.mp3"
    file.write_bytes(b"x")
    with (
        SyncStenoClient(replace(config, uploads_prefix=f"s3://{unique}-none/")) as client,
        pytest.raises(SubmitError, match=r"1 of 2 inputs were not submitted; first: .*no such bucket") as caught,
    ):
        client.submit_many([file, there])
    assert [job.input_uri for job in caught.value.submitted] == [there]
    assert list(caught.value.failed) == [str(file)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.mp3", "does not exist"),
        ("*.mp3", r"no file fits .*\*\.mp3"),
        (".", "is a folder"),
        ("s3://bucket-only", "expected s3://bucket/key"),
    ],
)
def test_a_source_that_is_none_is_named_before_anything_is_sent(source: str, message: str, tmp_path: Path) -> None:
    fine = tmp_path / "a.wav"
    fine.write_bytes(b"x")
    named = source if source.startswith("s3:") else str(tmp_path / source)
    with SyncStenoClient(ClientConfig(bootstrap_servers="127.0.0.1:1")) as client:
        with pytest.raises(ClientError, match=message):
            client.submit_many([fine, named])
        with pytest.raises(ClientError, match=message):
            client.submit_file(named)


def test_fields_that_make_no_request_are_named_before_anything_is_sent(tmp_path: Path) -> None:
    files = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for file in files:
        file.write_bytes(b"x")
    with SyncStenoClient(ClientConfig(bootstrap_servers="127.0.0.1:1")) as client:
        with pytest.raises(ClientError, match="job_id names one job, and these are 2"):
            client.submit_many(files, job_id="one")
        with pytest.raises(ClientError, match="2 files; use submit_many"):
            client.submit_file(str(tmp_path / "*.wav"))
        with pytest.raises(ClientError, match=r"this makes no request: job_id: String should match"):
            client.submit_file(files[0], job_id="a/b")


async def test_a_client_that_closes_ends_what_other_threads_wait_for(config: ClientConfig, worker: Teller) -> None:
    heard: list[ProgressEvent] = []
    client = SyncStenoClient(config)
    waiting = asyncio.create_task(asyncio.to_thread(client.wait, "a", timeout_s=TIMEOUT_S, on_progress=heard.append))
    await worker.tell(Kind.PROGRESS, "a")
    await until(lambda: bool(heard), "the wait is under way")
    client.close()
    client.close()
    with pytest.raises(ClientError, match="closed meanwhile"):
        await waiting
    with pytest.raises(ClientError, match="the client is closed"):
        client.submit(REQUEST)


def test_a_client_that_nobody_used_closes_and_leaves_no_thread() -> None:
    before = threading.active_count()
    client = SyncStenoClient()
    client.close()
    assert threading.active_count() == before


INTERRUPTED: Final = """
    import sys
    from contracts.client import ClientConfig, SyncStenoClient
    with SyncStenoClient(ClientConfig(bootstrap_servers=sys.argv[1], requests_topic=sys.argv[2] + ".requests",
            results_topic=sys.argv[2] + ".results", progress_topic=sys.argv[2] + ".progress",
            results_prefix=f"s3://{sys.argv[2]}/")) as client:
        try:
            client.wait("a", timeout_s=60, on_progress=lambda event: print("heard", flush=True))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
"""
FORGOTTEN: Final = """
    import sys
    from contracts.client import SyncStenoClient
    client = SyncStenoClient()
    try:
        client.upload(__import__("pathlib").Path("missing"))
    except Exception as error:
        print(error)
"""


async def test_ctrl_c_ends_a_wait_and_leaves_nothing_behind(config: ClientConfig, worker: Teller, unique: str) -> None:
    script = [sys.executable, "-W", "error", "-c", textwrap.dedent(INTERRUPTED), config.bootstrap_servers, unique]
    process = await asyncio.create_subprocess_exec(*script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await worker.tell(Kind.PROGRESS, "a")
            assert process.stdout
            assert await process.stdout.readline() == b"heard\n"
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert (out, err, process.returncode) == (b"interrupted\n", b"", 0)


def test_a_script_that_forgets_to_close_ends_without_complaints() -> None:
    script = [sys.executable, "-W", "error", "-c", textwrap.dedent(FORGOTTEN)]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == (
        "cannot read missing: No such file or directory\n", "", 0,
    )  # fmt: skip
