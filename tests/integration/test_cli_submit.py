"""`steno submit` against a real broker and a real store; the test plays the worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from consumer.cli.ending import run
from consumer.core.events import outcome_record
from consumer.core.failures import ExitCode
from consumer.core.jobs import make_job
from consumer.core.records import Record
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
    return [
        TranscriptionRequest.model_validate_json(record.value or b"") for record in await published(settings, count)
    ]


async def published(settings: Settings, count: int) -> list[Record]:
    consumer = AIOKafkaConsumer(
        settings.topics.requests, bootstrap_servers=settings.kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    async with asyncio.timeout(DEADLINE_S), consumer:
        found = [await consumer.getone() for _ in range(count)]
    return [
        replace(make_record(each.value, offset=each.offset), topic=each.topic, partition=each.partition)
        for each in found
    ]


async def fail_first_job(settings: Settings) -> None:
    """Answers the first request as a worker does that cannot serve it."""
    [cause] = await published(settings, 1)
    await fail(settings, cause)


async def fail(settings: Settings, cause: Record) -> None:
    request = TranscriptionRequest.model_validate_json(cause.value or b"")
    error = ErrorDetail(code="MEDIA_NO_AUDIO", message="there is no sound in it", retryable=False)
    outcome = OutcomeEvent(
        job_id=request.job_id, outcome=Kind.FAILED, input=request.input.uri, manifest=None, error=error, attempt=1,
        worker="w",
    )  # fmt: skip
    job = make_job(request, default_output="s3://transcripts/")
    record = outcome_record(EMITTER, job, outcome, now=NOW, cause=cause)
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


async def test_a_thousand_files_at_once(settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}.wav").write_bytes(b"sound")
    assert await submit(settings, "--json", tmp_path) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["input"] for line in lines] == [f"{tmp_path}/{number:04}.wav" for number in range(1000)]
    published = {request.job_id: request.input.uri for request in await requests(settings, 1000)}
    assert published == {line["job_id"]: line["uri"] for line in lines}


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


async def test_what_is_named_twice_is_submitted_once(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a\nb%.wav"
    file.write_bytes(b"sound")
    assert await submit(settings, "--json", file, f"{tmp_path}/*.wav", tmp_path, "s3://media/last.mp3") == ExitCode.OK
    first, *others, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert others == [first, first]
    assert {request.job_id for request in await requests(settings, 2)} == {first["job_id"], last["job_id"]}


async def test_written_requests_are_published_with_what_the_flags_say(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "requests.jsonl"
    documents = [
        {"job_id": f"call-{number}", "input": {"uri": f"s3://media/{number}.mp3"}, "options": {"beam_size": number},
         "callback": "https://a"}
        for number in (1, 2)
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, documents)))
    assert await submit(settings, "--request", file, "--language", "de", "s3://media/0.mp3") == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1:] == ["call-1\ts3://media/1.mp3", "call-2\ts3://media/2.mp3"]
    assert captured.err == f"steno: {file}:1: callback: no such name, left out. It stands in 1 more.\n"
    published = {request.job_id: request.options for request in await requests(settings, 3)}
    assert (published["call-2"].beam_size, published["call-2"].language) == (2, "de")


async def test_a_store_that_is_away_ends_the_command_with_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    for number in range(20):
        (tmp_path / f"{number}.wav").write_bytes(b"sound")
    assert await submit(settings, "s3://media/0.mp3", tmp_path) == ExitCode.UNAVAILABLE
    captured = capsys.readouterr()
    assert captured.out.endswith("\ts3://media/0.mp3\n")
    assert captured.err.count("\n") == 1
    assert "the object store does not answer" in captured.err


async def test_a_broker_that_is_away_is_noticed_before_anything_is_uploaded(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    away = settings.model_copy(
        update={
            "kafka": KafkaSettings(bootstrap_servers="localhost:1"),
            "s3": S3Settings(uploads="s3://no-such-bucket/"),
        }
    )
    assert await submit(away, tmp_path) == ExitCode.UNAVAILABLE
    assert "no Kafka broker answers at localhost:1" in capsys.readouterr().err


async def test_a_topic_that_is_missing_has_its_own_exit_code(
    settings: Settings, capsys: pytest.CaptureFixture[str], unique: str
) -> None:
    elsewhere = settings.model_copy(update={"topics": TopicSettings(requests=f"{unique}.none")})
    assert await submit(elsewhere, "s3://media/a.mp3") == ExitCode.TOPICS_MISSING
    assert "create it with `steno topics init`" in capsys.readouterr().err


async def test_inputs_that_are_no_files_are_told_without_a_broker(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    away = settings.model_copy(update={"kafka": KafkaSettings(bootstrap_servers="localhost:1")})
    assert await submit(away, "--json", f"{tmp_path}/*.wav", tmp_path) == ExitCode.FAILED
    codes = [json.loads(line)["error"]["code"] for line in capsys.readouterr().out.splitlines()]
    assert codes == ["INPUT_NOT_FOUND", "INPUT_NOT_FOUND"]


async def test_pipes_and_names_that_no_file_can_have_are_the_inputs_failures(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert await submit(settings, "--json", tmp_path / "pipe.wav", tmp_path / ("x" * 300)) == ExitCode.FAILED
    codes = [json.loads(line)["error"]["code"] for line in capsys.readouterr().out.splitlines()]
    assert codes == ["INPUT_FORBIDDEN", "INPUT_FORBIDDEN"]
