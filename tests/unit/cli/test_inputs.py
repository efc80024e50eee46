"""Which files are meant by what a user names."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from consumer.cli.inputs import MediaFile, NamedPath, media_in
from consumer.cli.output import Failure


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Media and other things."""
    for name in ("b.mp3", "a.WAV", "notes.txt", ".hidden.mp3", "sub/c.mp4", ".git/d.mp3", "sub/deep/e.opus"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    return tmp_path


def test_a_folder_stands_for_the_media_in_it(tree: Path) -> None:
    found = list(media_in([tree]))
    assert [each.within.as_posix() for each in found if isinstance(each, MediaFile)] == [
        "a.WAV", "b.mp3", "sub/c.mp4", "sub/deep/e.opus",
    ]  # fmt: skip
    assert found[2] == MediaFile(tree / "sub" / "c.mp4", Path("sub/c.mp4"))


def test_a_file_is_taken_whatever_it_is_called(tree: Path) -> None:
    named = [tree / "notes.txt", tree / ".hidden.mp3", tree / "missing"]
    assert list(media_in(named)) == [MediaFile(path, Path(path.name)) for path in named]


def test_a_folder_without_media_is_a_failure(tmp_path: Path) -> None:
    (found,) = media_in([tmp_path])
    assert isinstance(found, Failure)
    assert (found.input, found.code) == (str(tmp_path), "INPUT_NOT_FOUND")


def test_only_files_are_media(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to("talk.wav")
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "gone.wav").symlink_to("nowhere")
    found = list(media_in([tmp_path]))
    assert [each.path.name for each in found if isinstance(each, MediaFile)] == ["link.wav", "talk.wav"]
    assert [(Path(each.input).name, each.code) for each in found if isinstance(each, Failure)] == [
        ("gone.wav", "INPUT_NOT_FOUND"), ("loop.wav", "INPUT_FORBIDDEN"),
    ]  # fmt: skip


def test_two_ways_to_one_file_lead_to_one_location(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    ways = [MediaFile(tmp_path / way / "a.wav", Path("a.wav")) for way in ("real", "link", "real/../link")]
    assert len({each.location for each in ways}) == 1
    assert MediaFile(tmp_path / "real" / "b.wav", Path("b.wav")).location != ways[0].location


def test_an_empty_name_is_not_the_current_folder() -> None:
    with pytest.raises(click.BadParameter, match="a name is empty"):
        NamedPath().convert("", None, None)
