"""`steno transcribe` with the real decoder and the real engine."""

from __future__ import annotations

import json
import shutil
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
    assert captured.err.startswith(f"steno: {tmp_path} holds no media")
    assert captured.err.count("\n") == 1


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """A folder with a recording, another one in a folder of its own, and what is neither."""
    folder = tmp_path / "talks"
    (folder / "monday").mkdir(parents=True)
    shutil.copy(SHORT.path, folder / "monday" / "one.flac")
    shutil.copy(SHORT.path, folder / "two.flac")
    (folder / "notes.txt").write_text("mine")
    return folder


def test_a_folder_is_transcribed_beside_its_media(capsys: pytest.CaptureFixture[str], talks: Path) -> None:
    assert transcribe(talks) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.err == ""
    assert [line.split("\t")[0] for line in captured.out.splitlines()] == [
        str(talks / "two.flac"), str(talks / "monday" / "one.flac"),
    ]  # fmt: skip
    assert sorted(path.name for path in (talks / "monday").iterdir()) == [
        "one.flac", "one.json", "one.srt", "one.tsv", "one.txt", "one.vtt",
    ]  # fmt: skip
    assert (talks / "two.txt").read_text().strip().lower() == SAID
    assert Transcript.model_validate_json((talks / "two.json").read_bytes()).text.strip().lower() == SAID
    assert (talks / "notes.txt").read_text() == "mine"


def test_what_is_done_is_passed_over(capsys: pytest.CaptureFixture[str], talks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ("--out", out, "--formats", "txt,srt", "--skip-existing", "--json")
    assert transcribe(talks, *flags) == ExitCode.OK
    first = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["is_skipped"] for each in first] == [False, False]
    assert first[1]["files"] == [str(out / "monday" / "one.txt"), str(out / "monday" / "one.srt")]
    assert (first[1]["language"], round(first[1]["audio_s"])) == ("en", 2)
    (out / "two.srt").unlink()
    (out / "monday" / "one.txt").write_text("corrected by hand")
    assert transcribe(talks, *flags) == ExitCode.OK
    second = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["is_skipped"] for each in second] == [False, True]
    assert (out / "monday" / "one.txt").read_text() == "corrected by hand"
    assert sorted(path.name for path in talks.iterdir()) == ["monday", "notes.txt", "two.flac"]


def test_nothing_to_do_needs_no_model(capsys: pytest.CaptureFixture[str], talks: Path) -> None:
    for name in ("two", "monday/one"):
        (talks / f"{name}.srt").touch()
    flags = ("--formats", "srt", "--skip-existing", "--model", "nobody")
    assert transcribe(talks, *flags) == ExitCode.OK
    assert capsys.readouterr().out.count("there already") == 2


def test_a_folder_that_cannot_be_written_is_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert transcribe(SHORT.path, "--out", tmp_path / "file" / "out") == ExitCode.FAILED
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert f"{tmp_path / 'file' / 'out'} cannot be written: Not a directory (OUTPUT_FORBIDDEN)" in captured.err


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
