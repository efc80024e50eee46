"""What `steno config check` says."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from consumer.cli.config import Share, Use, uses_of
from consumer.cli.ending import run
from consumer.core.failures import ExitCode, FatalError
from consumer.environment import variables
from consumer.settings import EngineSettings, KafkaSettings, ModelSettings, Settings

SETTINGS = Settings(models=ModelSettings(allowed=("small", "turbo"), offline=True))


def broken() -> Settings:
    raise FatalError(ExitCode.BAD_SETTINGS, "STENO_A__B: is wrong\nSTENO_C__D: is wrong, too")


@pytest.mark.parametrize(
    ("engine", "uses"),
    [
        (EngineSettings(device="cpu"), [Use("cpu", 2, 2, 1)]),
        (EngineSettings(device="cuda:1"), [Use("cuda", 2, 1, 2)]),
        (EngineSettings(device="auto", slots=1), [Use("cuda", 2, 1, 2), Use("cpu", 2, 1, 2)]),
    ],
)
def test_threads_are_shown_for_each_device_that_may_be_used(engine: EngineSettings, uses: list[Use]) -> None:
    assert list(uses_of(engine, 2)) == uses


def test_a_table_has_a_line_for_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check"], lambda: SETTINGS) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[0]: line.split()[1] for line in lines if line.startswith("STENO_")}
    assert (told["STENO_MODELS__ALLOWED"], told["STENO_MODELS__OFFLINE"]) == ("small,turbo", "true")
    assert (told["STENO_S3__STATE"], told["STENO_MODELS__PRELOAD"]) == ("s3://transcripts/.steno/", "-")
    assert "engine on cpu: " in lines[-1]


def test_what_is_no_setting_is_told_beside_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STENO_LOG_LEVEL", "debug")
    assert run(["config", "check"], lambda: SETTINGS) == ExitCode.OK
    assert capsys.readouterr().err == "steno: STENO_LOG_LEVEL is not read; did you mean STENO_LOG__LEVEL?\n"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_no_secret_is_printed(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:hush-2@store")
    secure = Settings(
        kafka=KafkaSettings(
            security_protocol="SASL_SSL",
            sasl_mechanism="PLAIN",
            sasl_username="me",
            sasl_password=SecretStr("hush-3"),
        )
    )
    assert run(["config", "check", *arguments], lambda: secure) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "hush" not in printed
    assert "http://**********@store" in printed


def test_a_document_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--json"], lambda: SETTINGS) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["is_valid"]
    assert len(document["settings"]) == len(list(variables()))
    assert document["notices"] == []
    assert {use["device"] for use in document["engine"]} == {"cpu", "cuda"}


def test_faults_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check"], broken) == ExitCode.BAD_SETTINGS
    assert capsys.readouterr().err == "steno: STENO_A__B: is wrong\nsteno: STENO_C__D: is wrong, too\n"


def test_faults_are_a_document_among_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--json"], broken) == ExitCode.BAD_SETTINGS
    assert json.loads(capsys.readouterr().out) == {
        "is_valid": False, "faults": ["STENO_A__B: is wrong", "STENO_C__D: is wrong, too"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("share", "line"),
    [
        (Share(2, 2, 8 * 10**9, is_memory_limited=False), "machine: 2 cores; 8.0 GB of memory"),
        (
            Share(1, 64, 2**30, is_memory_limited=True),
            "machine: 1 core of 64, by a CPU quota; 1.1 GB of memory, a limit of the container or service",
        ),
    ],
)
def test_a_share_of_the_machine_is_told_from_all_of_it(share: Share, line: str) -> None:
    assert share.line == line
