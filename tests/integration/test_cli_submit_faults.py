"""`steno submit` where something is away or missing: one line, and nothing half done."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from tests.integration.submission import furnished, submit
from tests.speech import SHORT

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, unique: str, bucket: str) -> Settings:
    return await furnished(kafka, unique, bucket)


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
