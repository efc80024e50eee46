"""What `steno submit` refuses before it connects to anything."""

from __future__ import annotations

import pytest

from consumer.cli.ending import run
from consumer.cli.submit import client_config
from consumer.core.failures import ExitCode
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings


def unreachable() -> Settings:
    raise AssertionError("settings are read after the command line was judged")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Missing argument 'FILE|FOLDER|S3-URI…' or option '--request'."),
        ([""], "a name is empty"),
        (["--request", "-", "--request", "-"], "standard input can be read once"),
        (["--job-id", "call-1", "a.wav", "b.wav"], "--job-id names one job: give one input."),
        (["s3://media"], "s3://media: expected s3://bucket/key"),
        (["--timeout-s", "0", "a.wav"], "'--timeout-s': 0.0 is not in the range x>0."),
    ],
)
def test_misuse_is_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["submit", *arguments], unreachable) == ExitCode.MISUSE
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_client_speaks_to_what_the_settings_name() -> None:
    config = client_config(
        Settings(
            kafka=KafkaSettings(bootstrap_servers="broker:1"), topics=TopicSettings(requests="speech.requests"),
            s3=S3Settings(uploads="s3://media/in/", addressing="path", encryption="aws:kms", kms_key_id="key-1"),
        )
    )  # fmt: skip
    assert config.bootstrap_servers == "broker:1"
    assert (config.requests_topic, config.results_topic) == ("speech.requests", "speech.results")
    assert (config.progress_topic, config.uploads_prefix) == ("speech.progress", "s3://media/in/")
    assert (config.results_prefix, config.state_prefix) == ("s3://transcripts/", "s3://transcripts/.steno/")
    assert (config.addressing, config.encryption, config.kms_key_id) == ("path", "aws:kms", "key-1")
