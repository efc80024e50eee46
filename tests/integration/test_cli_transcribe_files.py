"""`steno transcribe` of folders: what is written where, what is passed over, and what is left as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from contracts import Transcript
from tests.integration.transcribing import SAID, transcribe, transcribe_with_fake
from tests.speech import SHORT


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
    flags = ("--out", out, "--formats", "txt,srt,json", "--skip-existing", "--json")
    assert transcribe(talks, *flags) == ExitCode.OK
    first = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["is_skipped"] for each in first] == [False, False]
    assert first[1]["files"] == [str(out / "monday" / f"one.{form}") for form in ("txt", "srt", "json")]
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
        (talks / f"{name}.srt").write_text("1\n")
    flags = ("--formats", "srt", "--skip-existing", "--model", "nobody")
    assert transcribe(talks, *flags) == ExitCode.OK
    assert capsys.readouterr().out.count("there already") == 2


def test_what_is_not_stenos_stays_and_costs_its_input_alone(capsys: pytest.CaptureFixture[str], talks: Path) -> None:
    (talks / "two.txt").write_text("ground truth")
    assert transcribe_with_fake(talks) == ExitCode.FAILED
    captured = capsys.readouterr()
    assert captured.out.startswith(str(talks / "monday" / "one.flac"))
    assert captured.err == (
        f"steno: {talks / 'two.flac'}: {talks / 'two.txt'} cannot be written: it is there already, and steno cannot "
        "tell that it made it (no transcript of this input in two.json); --overwrite replaces it (OUTPUT_FORBIDDEN)\n"
    )
    assert sorted(path.name for path in talks.iterdir()) == ["monday", "notes.txt", "two.flac", "two.txt"]
    for flags in (["--overwrite"], []):  # the second time they are known as its own
        assert transcribe_with_fake(talks, *flags) == ExitCode.OK
    assert (talks / "two.txt").read_text() != "ground truth"


def test_a_folder_that_cannot_be_written_is_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert transcribe(SHORT.path, "--out", tmp_path / "file" / "out") == ExitCode.FAILED
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert f"{tmp_path / 'file' / 'out'} cannot be written: Not a directory (OUTPUT_FORBIDDEN)" in captured.err


def test_a_place_that_cannot_be_written_is_known_before_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "talk.wav").write_text("would be no media")
    (tmp_path / "talk.srt").mkdir()
    assert transcribe_with_fake(tmp_path) == ExitCode.FAILED
    assert f"{tmp_path / 'talk.srt'} cannot be written: Is a directory" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk.srt", "talk.wav"]
