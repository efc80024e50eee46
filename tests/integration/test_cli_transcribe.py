"""`steno transcribe` with the real decoder and the real engine: what it says, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ctranslate2 import get_cuda_device_count

from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.settings import EngineSettings, Settings
from contracts import Transcript
from tests.integration.transcribing import FAKE, SAID, transcribe, transcribe_with_fake
from tests.media import make_wav
from tests.processes import descendants_of, is_running
from tests.speech import ENGLISH, ROOT, SHORT
from tests.waiting import until


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
    assert captured.err.startswith(f"steno: {tmp_path} holds no media")
    assert captured.err.count("\n") == 1


def test_a_model_that_nobody_has_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert transcribe(SHORT.path, "--model", "huge") == ExitCode.MODEL_UNAVAILABLE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("steno: no weights for model 'huge'")


def test_a_closed_pipe_ends_the_command_in_silence() -> None:
    steno = subprocess.Popen(
        [sys.executable, "-m", "consumer", "transcribe", str(ROOT / "nothing"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **FAKE},
    )  # fmt: skip
    assert steno.stdout
    steno.stdout.close()
    _, errors = steno.communicate(timeout=60)
    assert (steno.returncode, errors) == (ExitCode.FAILED, b"")


def test_pipes_and_devices_are_lines_and_the_others_are_done(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "talk.wav").write_bytes(make_wav(16_000))
    (tmp_path / "gone.wav").symlink_to("nowhere")
    flags = ("--formats", "txt", "--json")
    assert transcribe_with_fake(tmp_path / "pipe.wav", tmp_path, "/dev/zero", *flags) == ExitCode.FAILED
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each.get("error", {}).get("code") for each in lines] == [
        "INPUT_FORBIDDEN", None, "INPUT_NOT_FOUND", "INPUT_FORBIDDEN",
    ]  # fmt: skip
    assert lines[1]["files"] == [str(tmp_path / "talk.txt")]


def test_one_file_named_twice_is_transcribed_once_and_told_twice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "talk.wav").write_bytes(make_wav(16_000))
    (tmp_path / "talk.flac").touch()
    named = (str(tmp_path / "talk.wav"), str(tmp_path / ".." / tmp_path.name / "talk.wav"))
    assert transcribe_with_fake(*named, "--formats", "txt", "--json") == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["input"], each["files"]) for each in lines] == [(name, [f"{named[0]}.txt"]) for name in named]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(make_wav(16_000))
    return path


@pytest.mark.parametrize(("flags", "logs"), [([], False), (["--debug"], True)])
def test_one_failure_is_one_line_unless_log_lines_are_asked_for(talk: Path, flags: list[str], *, logs: bool) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "consumer", *flags, "transcribe", talk],
        check=False, stderr=subprocess.PIPE, text=True, timeout=60,
        env={**os.environ, **FAKE, "STENO_ENGINE__FAKE_SWITCHES": "crash"},
    )  # fmt: skip
    *before, last = ended.stderr.splitlines()
    assert (last.startswith(f"steno: {talk}"), "ENGINE_CRASHED" in last) == (True, True)
    assert any("engine_ended" in line for line in before) is bool(before) is logs


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what runs")
async def test_ctrl_c_ends_the_command_and_all_it_started(talk: Path) -> None:
    steno = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "transcribe", talk,
        stderr=subprocess.PIPE, env={**os.environ, **FAKE, "STENO_ENGINE__FAKE_SWITCHES": "hang"},
    )  # fmt: skip
    try:
        await until(lambda: len(descendants_of(steno.pid)) > 1, "decoder and engine")
        started = descendants_of(steno.pid)
        steno.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(steno.communicate(), timeout=20)
    finally:
        if steno.returncode is None:
            steno.kill()
    assert (steno.returncode, errors.split()) == (130, [b"steno:", b"interrupted"])
    await until(lambda: not any(map(is_running, started)), "the end of its children")


@pytest.mark.skipif(get_cuda_device_count() > 0, reason="there is a GPU to take")
def test_what_auto_falls_back_to_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = Settings(engine=EngineSettings(model="tiny.en"))
    missing = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    assert run(["transcribe", *missing], lambda: settings) == ExitCode.FAILED
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("steno: running on cpu: no CUDA device is to be seen (no NVIDIA")
    assert "; STENO_ENGINE__DEVICE" in first
    assert ["INPUT_NOT_FOUND" in line for line in others] == [True, True]


def test_a_closed_standard_output_is_misuse() -> None:
    ended = subprocess.run(
        ["sh", "-c", 'exec "$0" -m consumer transcribe talk.wav >&-', sys.executable],
        check=False, stderr=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (ExitCode.MISUSE, 1)
    assert "standard output is closed" in ended.stderr
