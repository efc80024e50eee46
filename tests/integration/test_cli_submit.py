"""`steno submit` against a real broker and a real store; the test plays the worker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from consumer.cli.ending import run
from consumer.core.events import outcome_record
from consumer.core.failures import ExitCode
from consumer.core.jobs import make_job
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts import ErrorDetail, Kind, OutcomeEvent, TranscriptionRequest
from tests.make import EMITTER, NOW, make_record
from tests.speech import SHORT
from tests.stack.clients import make_topic

DEADLINE_S: Final = 30.0
pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, unique: str, bucket: str) -> Settings:
    topics = TopicSettings(requests=f"{unique}.requests")
    for topic in (topics.requests, topics.results, topics.progress):
        await make_topic(kafka, topic, partitions=1)
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka), topics=topics, s3=S3Settings(uploads=f"s3://{bucket}/in/")
    )


async def submit(settings: Settings, *arguments: str | Path) -> int:
    """Runs the command in a thread, with a loop of its own, as in a process."""
    return await asyncio.to_thread(run, ["submit", *map(str, arguments)], lambda: settings)


async def requests(settings: Settings, count: int) -> list[TranscriptionRequest]:
    consumer = AIOKafkaConsumer(
        settings.topics.requests, bootstrap_servers=settings.kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    async with asyncio.timeout(DEADLINE_S), consumer:
        return [TranscriptionRequest.model_validate_json((await consumer.getone()).value) for _ in range(count)]


async def fail_first_job(settings: Settings) -> None:
    """Answers the first request as a worker does that cannot serve it."""
    [request] = await requests(settings, 1)
    error = ErrorDetail(code="MEDIA_NO_AUDIO", message="there is no sound in it", retryable=False)
    outcome = OutcomeEvent(
        job_id=request.job_id, outcome=Kind.FAILED, input=request.input.uri, manifest=None, error=error, attempt=1,
        worker="w",
    )  # fmt: skip
    job = make_job(request, default_output="s3://transcripts/")
    record = outcome_record(EMITTER, job, outcome, now=NOW, cause=make_record())
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as producer:
        await producer.send_and_wait(
            settings.topics.results, record.value, key=record.key, headers=list(record.headers)
        )


async def test_each_input_gets_a_request_and_a_line_in_input_order(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "missing.wav"
    code = await submit(
        settings, "--json", "--language", "en", "--metadata", "case=17", SHORT.path, missing, "s3://media/a.mp3"
    )
    assert code == ExitCode.FAILED
    first, failed, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert failed["input"] == str(missing)
    assert failed["error"]["code"] == "INPUT_NOT_FOUND"
    assert first["uri"].startswith(settings.s3.uploads)
    assert second["uri"] == "s3://media/a.mp3"
    published = {request.job_id: request for request in await requests(settings, 2)}
    assert published[first["job_id"]].input.uri == first["uri"]
    assert published[second["job_id"]].options.language == "en"
    assert published[second["job_id"]].metadata == {"case": "17"}


async def test_without_json_a_line_is_the_job_and_its_media(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await submit(settings, "--job-id", "call-1", "s3://media/a.mp3") == ExitCode.OK
    assert capsys.readouterr().out == "call-1\ts3://media/a.mp3\n"


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


async def test_wait_gives_up_after_its_time(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await submit(settings, "--wait", "--json", "--timeout-s", "0.5", "s3://media/a.mp3") == ExitCode.FAILED
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "WAIT_TIMED_OUT"


async def test_a_broker_that_is_away_ends_the_command_with_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    away = settings.model_copy(update={"kafka": KafkaSettings(bootstrap_servers="localhost:1")})
    assert await submit(away, "--wait", "s3://media/a.mp3") == ExitCode.UNAVAILABLE
    assert capsys.readouterr().err == (
        "steno: no Kafka broker answers at localhost:1: nobody listens there; check STENO_KAFKA__BOOTSTRAP_SERVERS\n"
    )


async def test_a_bucket_that_is_missing_is_the_inputs_failure(
    settings: Settings, capsys: pytest.CaptureFixture[str], unique: str
) -> None:
    elsewhere = settings.model_copy(update={"s3": S3Settings(uploads=f"s3://{unique}-none/")})
    assert await submit(elsewhere, SHORT.path) == ExitCode.FAILED
    assert "there is no such bucket" in capsys.readouterr().err
