"""`steno watch` on a real broker; the test plays the workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aioboto3
import pytest
from aiokafka import AIOKafkaProducer

from consumer.cli.ending import run
from consumer.core.events import failed_outcome, outcome_record, progress_event, progress_record
from consumer.core.failures import ExitCode, PermanentError
from consumer.core.jobs import Job, make_job
from consumer.core.records import OutboundRecord
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts import ErrorCode, Kind, OutcomeEvent, TranscriptionRequest
from contracts.requests import Input
from tests.make import EMITTER, make_record
from tests.stack.clients import make_topic
from tests.stack.store import S3Address

DEADLINE_S: Final = 30.0
EXAMPLES: Final = Path(__file__).parents[2] / "contracts" / "examples" / "valid"


@pytest.fixture
async def settings(kafka: str, unique: str) -> Settings:
    topics = TopicSettings(requests=f"{unique}.requests")
    for topic in (topics.results, topics.progress):
        await make_topic(kafka, topic, partitions=1)
    return Settings(kafka=KafkaSettings(bootstrap_servers=kafka), topics=topics)


def make_a_job(job_id: str, tenant: str | None = None) -> Job:
    request = TranscriptionRequest(job_id=job_id, tenant=tenant, input=Input(uri="s3://media/a.mp3"))
    return make_job(request, default_output="s3://transcripts/")


def under_way(settings: Settings, job_id: str, done_s: float) -> tuple[str, OutboundRecord]:
    job = make_a_job(job_id)
    event = progress_event(job, Kind.PROGRESS, "w", done_s=done_s, audio_s=10.0)
    return settings.topics.progress, progress_record(EMITTER, job, event, now=datetime.now(UTC), cause=make_record())


def ended(
    settings: Settings, job_id: str, kind: Kind = Kind.COMPLETED, tenant: str | None = None
) -> tuple[str, OutboundRecord]:
    job = make_a_job(job_id, tenant)
    if kind is Kind.FAILED:
        outcome = failed_outcome(job, PermanentError(ErrorCode.MEDIA_CORRUPT, "it is"), "w")
    else:
        outcome = OutcomeEvent(
            job_id=job_id, outcome=kind, input="s3://media/a.mp3", manifest="s3://t/m.json", error=None, attempt=1,
            worker="w", tenant=tenant,
        )  # fmt: skip
    return settings.topics.results, outcome_record(EMITTER, job, outcome, now=datetime.now(UTC), cause=make_record())


async def publish(settings: Settings, *records: tuple[str, OutboundRecord]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as producer:
        for topic, record in records:
            await producer.send_and_wait(topic, record.value, key=record.key, headers=list(record.headers))


async def watch(settings: Settings, *arguments: str) -> int:
    """Runs the command in a thread, with a loop of its own, as in a process."""
    return await asyncio.wait_for(asyncio.to_thread(run, ["watch", *arguments], lambda: settings), DEADLINE_S)


async def test_named_jobs_end_it_and_a_failed_one_counts(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await publish(
        settings, under_way(settings, "a", 5.0), ended(settings, "b", Kind.FAILED), ended(settings, "other"),
        ended(settings, "a"), ended(settings, "a"),
    )  # fmt: skip
    assert await watch(settings, "a", "b") == ExitCode.FAILED
    lines = [line.split("\t")[1:4] for line in capsys.readouterr().out.splitlines()]
    ends = sorted(line for line in lines if line[1] != "transcribing")
    assert ends == [["a", "completed", "100%"], ["b", "failed", ""]]


async def test_what_happens_meanwhile_is_heard(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    watching = asyncio.create_task(watch(settings, "--json", "late"))
    await publish(settings, ended(settings, "early"), under_way(settings, "late", 1.0), ended(settings, "late"))
    assert await watching == ExitCode.OK
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert documents[-1]["data"]["outcome"] == "completed"
    assert {document["data"]["job_id"] for document in documents} == {"late"}


async def test_what_it_cannot_read_is_told_once_and_passed_over(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    topic, event = ended(settings, "a")
    headers = tuple((name, value.replace(b".v1", b".v2") if value else value) for name, value in event.headers)
    newer = OutboundRecord(topic=event.topic, key=event.key, value=event.value, headers=headers)
    broken = OutboundRecord(topic=event.topic, key=event.key, value=b"\x1b[2J\n", headers=event.headers)
    await publish(settings, (topic, newer), (topic, broken), (topic, newer), (topic, event))
    assert await watch(settings, "a") == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out.count("completed") == 1
    assert captured.err.count("\n") == 1
    assert "is steno up to date?" in captured.err


async def test_the_last_end_of_a_job_counts(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await publish(settings, ended(settings, "a", Kind.FAILED), ended(settings, "a"))
    assert await watch(settings, "a") == ExitCode.OK
    assert [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()] == ["failed", "completed"]


async def test_a_job_id_names_a_job_within_its_tenant(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await publish(
        settings, ended(settings, "a", Kind.FAILED, "acme"), ended(settings, "a"), ended(settings, "b", tenant="acme")
    )
    assert await watch(settings, "a") == ExitCode.OK
    assert await watch(settings, "a", "--tenant", "acme") == ExitCode.FAILED
    assert await watch(settings, "--tenant", "acme", "--since", "1h", "--timeout-s", "2") == ExitCode.OK
    told = [line.split("\t")[1:3] for line in capsys.readouterr().out.splitlines()]
    assert told == [["a", "completed"], ["a", "failed"], ["a", "failed"], ["b", "completed"]]


async def test_a_job_that_does_not_end_in_time_is_named(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await publish(settings, under_way(settings, "slow", 1.0), ended(settings, "done"))
    assert await watch(settings, "--timeout-s", "2", "slow", "done") == ExitCode.FAILED
    assert capsys.readouterr().err == "steno: no end of job slow after 2 s; is a worker up?\n"


@pytest.mark.usefixtures("aws_environment")
async def test_a_job_that_ended_long_ago_is_found_by_its_result_set(
    settings: Settings, bucket: str, s3_address: S3Address, capsys: pytest.CaptureFixture[str]
) -> None:
    found = settings.model_copy(update={"s3": S3Settings(results=f"s3://{bucket}/")})
    manifest = (EXAMPLES / "manifest.json").read_bytes()
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with session.client("s3", endpoint_url=s3_address.endpoint) as s3:
        await s3.put_object(Bucket=bucket, Key="call-4711/manifest.json", Body=manifest)
    assert await watch(found, "call-4711") == ExitCode.OK
    assert capsys.readouterr().out.split("\t")[1:4] == ["call-4711", "completed", "100%"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["a/b"], "'a/b' is no job id"), (["--since", "yesterday"], "is neither a time"), ([""], "'' is no job id")],
)
def test_misuse_is_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["watch", *arguments], Settings) == ExitCode.MISUSE
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


async def test_a_broker_that_is_away_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    away = Settings(kafka=KafkaSettings(bootstrap_servers="localhost:1"))
    assert await watch(away) == ExitCode.UNAVAILABLE
    assert capsys.readouterr().err.startswith("steno: no Kafka broker answers at localhost:1")


@asynccontextmanager
async def watching_all(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process, without names, once it has told of a job."""
    environment = os.environ | {
        "STENO_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "STENO_TOPICS__REQUESTS": settings.topics.requests,
    }
    await publish(settings, ended(settings, "a"))
    watcher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "watch", "--since", "1h", "--json",
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert watcher.stdout
        line = await asyncio.wait_for(watcher.stdout.readline(), DEADLINE_S)
        assert json.loads(line)["data"]["job_id"] == "a"
        yield watcher
    finally:
        if watcher.returncode is None:
            watcher.kill()


async def test_without_names_it_goes_on_until_it_is_interrupted(settings: Settings) -> None:
    async with watching_all(settings) as watcher:
        watcher.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(watcher.communicate(), DEADLINE_S)
    assert (watcher.returncode, said.strip()) == (130, b"steno: interrupted")


async def test_without_names_it_goes_on_until_nobody_reads(settings: Settings) -> None:
    async with watching_all(settings) as watcher:
        watcher._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # as `| head -1` does
        await publish(settings, ended(settings, "b"))
        assert watcher.stderr
        assert await asyncio.wait_for(watcher.stderr.read(), DEADLINE_S) == b""
        assert await asyncio.wait_for(watcher.wait(), DEADLINE_S) == ExitCode.FAILED
