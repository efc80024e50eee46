"""`steno transcribe` with the real decoder and the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.settings import EngineSettings, Settings
from contracts import Transcript
from tests.speech import ENGLISH, ROOT, SHORT

SETTINGS = Settings(engine=EngineSettings(model="tiny.en"))
SAID = "has never been surpassed."


def transcribe(*arguments: str | Path) -> int:
    return run(["transcribe", "--temperature", "0", *map(str, arguments)], lambda: SETTINGS)


def test_text_stands_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert transcribe(SHORT.path) == ExitCode.OK
    captured = capsys.readouterr()
    assert (captured.out.strip().lower(), captured.err) == (SAID, "")


def test_json_is_a_document_a_line_in_input_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = tmp_path / "missing.wav"
    no_media = tmp_path / "notes.txt"
    no_media.write_text("not a recording\n" * 100)
    assert transcribe(ENGLISH.path, missing, SHORT.path, no_media, "--json", "--word-timestamps") == ExitCode.FAILED
    lines = capsys.readouterr().out.splitlines()
    first, second = (Transcript.model_validate_json(lines[index]) for index in (0, 2))
    assert first.input.uri == ENGLISH.path.as_uri()
    assert first.words
    assert second.text.lower() == SAID
    failures = [json.loads(lines[index]) for index in (1, 3)]
    assert [(failure["input"], failure["error"]["code"]) for failure in failures] == [
        (str(missing), "INPUT_NOT_FOUND"),
        (str(no_media), "MEDIA_UNSUPPORTED"),
    ]
    assert len(lines) == 4


def test_a_failed_input_is_one_line_and_the_others_are_done(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert transcribe(tmp_path, SHORT.path, "--format", "srt") == ExitCode.FAILED
    captured = capsys.readouterr()
    assert captured.out.startswith(f"==> {SHORT.path} <==\n1\n00:00:00,000 --> ")
    assert captured.err.startswith(f"steno: {tmp_path}")
    assert captured.err.count("\n") == 1


def test_a_model_that_nobody_has_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert transcribe(SHORT.path, "--model", "huge") == ExitCode.MODEL_UNAVAILABLE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("steno: no weights for model 'huge'")


def test_a_closed_pipe_ends_the_command_in_silence() -> None:
    steno = subprocess.Popen(
        [sys.executable, "-m", "consumer", "transcribe", str(ROOT / "nothing"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert steno.stdout
    steno.stdout.close()
    _, errors = steno.communicate(timeout=60)
    assert (steno.returncode, errors) == (ExitCode.FAILED, b"")
