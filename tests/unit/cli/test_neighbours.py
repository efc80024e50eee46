"""Which media beside a file could be taken for it by the name of a transcript."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from consumer.cli.inputs import MediaFile
from consumer.cli.neighbours import Neighbours, same_name


def make_neighbours(folder: Path, *names: str, named: str = "talk.mp3", out: Path | None = None) -> Neighbours:
    """What stands beside the one file that was named."""
    for name in (named, *names):
        (folder / name).touch()
    media = MediaFile(folder / named, Path(named))
    return Neighbours([media], [out / named if out else media.path])


@pytest.mark.parametrize(
    ("beside", "is_shared"),
    [
        ([], False),
        (["talk.wav"], True),
        (["TALK.WAV"], True),
        (["talk.txt"], False),
        ([".talk.wav"], False),
        (["talk2.wav"], False),
        (["talk.de.wav"], False),
    ],
)
def test_a_stem_is_shared_with_other_media_of_the_folder(tmp_path: Path, beside: list[str], *, is_shared: bool) -> None:
    assert make_neighbours(tmp_path, *beside).share_stem(tmp_path / "talk.mp3") is is_shared


def test_what_stands_beside_the_media_counts_where_transcripts_go(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert make_neighbours(tmp_path, "talk.wav", out=out).share_stem(out / "talk.mp3")


def test_folders_below_are_nobodys_neighbours(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").mkdir()
    assert not make_neighbours(tmp_path).share_stem(tmp_path / "talk.mp3")


@pytest.mark.parametrize(
    ("named", "beside", "is_named"),
    [
        ("talk.mp3.wav", "talk.mp3", True),
        ("talk.mp3.wav", "TALK.MP3", True),
        ("talk.mp3.wav", "talk.flac", False),
        ("talk", "talk.mp3", False),
    ],
)
def test_a_stem_may_be_the_whole_name_of_another(tmp_path: Path, named: str, beside: str, *, is_named: bool) -> None:
    names = make_neighbours(tmp_path, beside, named=named)
    assert names.are_named_by_stem(tmp_path / named) is is_named


def test_a_folder_that_may_not_be_listed_keeps_its_secrets(tmp_path: Path) -> None:
    target = tmp_path / "gone" / "talk.mp3"
    assert not Neighbours([MediaFile(target, Path(target.name))], [target]).share_stem(target)


def test_one_file_has_one_name_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert same_name(Path("talk.mp3")) == same_name(tmp_path / "x" / ".." / "talk.mp3")
    (tmp_path / "link.mp3").symlink_to("talk.mp3")
    assert same_name(Path("link.mp3")) != same_name(Path("talk.mp3"))
    assert (same_name(Path("talk.mp3")) == same_name(Path("TALK.mp3"))) is (sys.platform == "darwin")
