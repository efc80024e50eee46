"""Where transcripts are written."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from consumer.cli.inputs import MediaFile
from consumer.cli.placement import Place, places
from contracts.requests import OutputFormat
from tests.make import make_transcript

SRT = (OutputFormat.SRT,)


def stems(*media: str, out: str | None = None, formats: tuple[OutputFormat, ...] = SRT) -> list[str]:
    files = [MediaFile(Path(path), Path(path).relative_to("/in")) for path in media]
    return [str(place.stem) for place in places(files, Path(out) if out else None, formats)]


@pytest.mark.parametrize(
    ("media", "out", "expected"),
    [
        (["/in/a.mp3", "/in/b/c.wav"], None, ["/in/a", "/in/b/c"]),
        (["/in/a.mp3", "/in/b/c.wav"], "/out", ["/out/a", "/out/b/c"]),
        (["/in/v1.2.mp3", "/in/bare"], None, ["/in/v1.2", "/in/bare"]),
        (["/in/a.mp3", "/in/a.wav", "/in/b/a.mp3"], None, ["/in/a.mp3", "/in/a.wav", "/in/b/a"]),
        (["/in/a.mp3", "/in/a.wav", "/in/a.mp3.wav"], None, ["/in/a.mp3", "/in/a.wav", "/in/a.mp3.wav"]),
        (["/in/a.mp3", "/in/A.wav"], None, ["/in/a.mp3", "/in/A.wav"]),
        (["/in/a.srt"], None, ["/in/a.srt"]),
        (["/in/a.srt"], "/out", ["/out/a"]),
    ],
)
def test_files_have_the_name_of_their_media(media: list[str], out: str | None, expected: list[str]) -> None:
    assert stems(*media, out=out) == expected


def test_two_transcripts_never_go_to_one_place() -> None:
    files = [MediaFile(Path("/x/a.mp3"), Path("a.mp3")), MediaFile(Path("/y/a.mp3"), Path("a.mp3"))]
    with pytest.raises(click.UsageError, match=r"/x/a.mp3 and /y/a.mp3 would be written to one place"):
        places(files, Path("/out"), SRT)


def test_a_transcript_is_written_whole_and_done(tmp_path: Path) -> None:
    place = Place(tmp_path / "a.mp3", tmp_path / "new" / "v1.2", (OutputFormat.JSON, OutputFormat.SRT))
    assert not place.is_done
    place.prepare()
    place.write(make_transcript())
    assert place.is_done
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["v1.2.json", "v1.2.srt"]
    assert (tmp_path / "new" / "v1.2.srt").read_bytes().startswith(b"1\n00:00:00,000 --> ")


@pytest.mark.parametrize("out", [None, "out"])
def test_media_beside_it_count_though_nobody_named_them(tmp_path: Path, out: str | None) -> None:
    for name in ("talk.wav", "talk.flac", "talk.txt", "other.wav"):
        (tmp_path / name).touch()
    media = [MediaFile(tmp_path / name, Path(name)) for name in ("talk.flac", "other.wav")]
    found = places(media, tmp_path / out if out else None, SRT)
    assert [place.stem.name for place in found] == ["talk.flac", "other"]


def test_a_transcript_is_not_written_over_media() -> None:
    files = [
        MediaFile(Path(path), Path(path).relative_to("/in")) for path in ("/in/a.mp3", "/in/a.wav", "/in/a.wav.srt")
    ]
    with pytest.raises(click.UsageError, match=r"would be written to one place"):
        places(files, None, SRT)


def test_what_fails_leaves_nothing_behind_and_names_the_file_meant(tmp_path: Path) -> None:
    place = Place(tmp_path / "a.mp3", tmp_path / "a", SRT)
    (tmp_path / "a.srt").mkdir()
    for attempt in (place.prepare, lambda: place.write(make_transcript())):
        with pytest.raises(IsADirectoryError) as refused:
            attempt()
        assert refused.value.filename == str(tmp_path / "a.srt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.srt"]


def test_a_name_too_long_for_the_disk_is_known_before_the_work(tmp_path: Path) -> None:
    place = Place(tmp_path / "a.mp3", tmp_path / ("n" * 252), SRT)
    assert not place.is_done
    with pytest.raises(OSError, match="File name too long"):
        place.prepare()


def test_a_name_that_just_fits_is_written(tmp_path: Path) -> None:
    place = Place(tmp_path / "a.mp3", tmp_path / ("n" * 251), SRT)
    place.prepare()
    place.write(make_transcript())
    assert place.is_done
