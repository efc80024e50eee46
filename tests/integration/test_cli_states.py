"""`steno status`, `steno jobs` and `steno cancel` on a real object store alone; the test plays the workers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.settings import KafkaSettings, S3Settings, Settings
from contracts.events import ErrorDetail
from contracts.state import JobState
from tests.beside import Beside
from tests.stack.store import S3Address

pytestmark = pytest.mark.usefixtures("aws_environment")

CORRUPT = ErrorDetail(code="MEDIA_CORRUPT", message="no frame could be decoded", retryable=False)


@pytest.fixture
async def beside(s3_address: S3Address, bucket: str) -> AsyncIterator[Beside]:
    async with Beside.opened(s3_address, bucket) as opened:
        yield opened


async def steno(beside: Beside, *arguments: str) -> int:
    """Runs a command in a thread, with a loop of its own, as in a process."""
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"), s3=S3Settings(results=f"{beside.results}")
    )
    return await asyncio.to_thread(run, arguments, lambda: settings)


def lines(text: str) -> dict[str, str]:
    return {name: fact.strip() for name, _, fact in (line.partition(" ") for line in text.splitlines())}


async def test_status_tells_everything_of_a_job(beside: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    await beside.status("a", JobState.RETRYING, "acme", error=CORRUPT, not_before=datetime(2030, 1, 1, tzinfo=UTC))
    assert await steno(beside, "status", "a", "--tenant", "acme") == ExitCode.OK
    told = lines(capsys.readouterr().out)
    assert (told["job"], told["tenant"]) == ("a", "acme")
    assert told["state"] == "retrying: attempt 2 is due at 2030-01-01T00:00:00+00:00"
    assert told["error"] == "MEDIA_CORRUPT: no frame could be decoded"
    assert (told["worker"], told["input"]) == ("gpu-3", "s3://media/a.mp3")


async def test_status_of_several_is_told_in_their_order(beside: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    await beside.lease("a")
    await beside.manifest("b")
    assert await steno(beside, "status", "b", "a", "b") == ExitCode.OK
    first, second = map(lines, capsys.readouterr().out.split("\n\n"))
    assert (first["job"], first["state"], first["manifest"]) == ("b", "completed", f"{beside.results}b/manifest.json")
    assert (second["job"], second["state"].partition(" since ")[0]) == ("a", "running on gpu-4")


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_status_of_a_job_without_result_has_an_exit_code(
    beside: Beside, capsys: pytest.CaptureFixture[str], state: JobState
) -> None:
    await beside.status("a", state, error=CORRUPT)
    assert await steno(beside, "status", "a", "--json") == ExitCode.FAILED
    document = json.loads(capsys.readouterr().out)
    assert (document["state"], document["error"]["code"]) == (state, "MEDIA_CORRUPT")


async def test_status_says_that_nothing_is_known(beside: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert await steno(beside, "status", "a") == ExitCode.FAILED
    told = capsys.readouterr()
    text = "queued, or never sent: object storage has nothing of it (a tenant's job needs --tenant)"
    assert (told.out, told.err) == ("", f"steno: a: {text} (JOB_UNKNOWN)\n")
    assert await steno(beside, "status", "a", "--json") == ExitCode.FAILED
    error = {"code": "JOB_UNKNOWN", "message": text}
    assert json.loads(capsys.readouterr().out) == {"input": "a", "error": error}


async def test_jobs_are_lines_with_what_one_wants_to_know_next(
    beside: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    await beside.status("a", JobState.FAILED, error=CORRUPT)
    await beside.status("b", JobState.COMPLETED, "acme", manifest="s3://t/b/manifest.json")
    await beside.lease("c")
    assert await steno(beside, "jobs") == ExitCode.OK
    rows = sorted(line.split("\t")[1:] for line in capsys.readouterr().out.splitlines())
    assert rows == [
        ["a", "", "failed", "1", "MEDIA_CORRUPT: no frame could be decoded"],
        ["b", "acme", "completed", "1", "s3://t/b/manifest.json"],
        ["c", "", "running", "", "gpu-4"],
    ]


async def test_jobs_are_chosen_and_not_more_than_asked_for(beside: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    for job_id in ("a", "b", "c"):
        await beside.status(job_id, JobState.FAILED)
    await beside.status("d", JobState.COMPLETED)
    assert await steno(beside, "jobs", "--state", "failed", "--since", "1h", "--limit", "2", "--json") == ExitCode.OK
    told = capsys.readouterr()
    assert [json.loads(line)["state"] for line in told.out.splitlines()] == ["failed"] * 2
    assert "there are more than the newest 2" in told.err
    assert await steno(beside, "jobs", "--tenant", "acme") == ExitCode.OK
    assert capsys.readouterr().out == ""


async def test_cancel_leaves_markers_and_says_how_each_job_is(
    beside: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    await beside.lease("a")
    await beside.manifest("b")
    await beside.status("c", JobState.FAILED)
    assert await steno(beside, "cancel", "a", "b", "c", "d", "--reason", "a mistake") == ExitCode.OK
    told = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert told["a"].startswith("cancel requested; it is running on gpu-4 since ")
    assert told["b"] == "completed already: nothing to cancel"
    assert told["c"].startswith("failed already; ")
    assert told["d"].startswith("cancel requested; it is queued, or was never sent")
    markers = [await beside.marker(job_id) for job_id in "abcd"]
    assert [marker.reason if marker else None for marker in markers] == ["a mistake", None, "a mistake", "a mistake"]
    assert markers[0] is not None
    assert "@" in (markers[0].by or "")


async def test_cancel_may_be_repeated(beside: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert await steno(beside, "cancel", "a", "--tenant", "acme", "--json") == ExitCode.OK
    one, two = map(json.loads, capsys.readouterr().out.splitlines())
    known = {"job_id": "a", "tenant": "acme", "cancel_requested": True}
    assert (one, two) == ({**known, "state": None}, {**known, "state": "queued"})


@pytest.mark.parametrize("command", [["jobs"], ["cancel", "a"]])
async def test_a_store_that_is_away_is_one_line(
    beside: Beside, command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    assert await steno(beside, *command) == ExitCode.UNAVAILABLE
    error = capsys.readouterr().err
    assert "the object store does not answer" in error
    assert error.count("\n") == 1
