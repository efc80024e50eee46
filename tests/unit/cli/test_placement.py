"""Where transcripts are written."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import click
import pytest

from consumer.cli.inputs import MediaFile
from consumer.cli.placement import Place, _partial, places
from contracts.requests import OutputFormat
from contracts.transcript import Segment, Transcript
from tests.make import make_segment, make_transcript

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


def transcript_of(media: Path, *, content: bytes = b"") -> Transcript:
    transcript = make_transcript()
    source = {"uri": media.as_uri(), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    return transcript.model_copy(update={"input": transcript.input.model_copy(update=source)})


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"speech")
    return path


@pytest.mark.parametrize(
    "transcript",
    [None, b"{}", b'{"text": "ground truth"}', transcript_of(Path("/x/other.wav")).model_dump_json().encode()],
)
def test_files_that_steno_is_not_known_to_have_made_stay(talk: Path, transcript: bytes | None) -> None:
    talk.with_suffix(".txt").write_text("ground truth")
    if transcript is not None:
        talk.with_suffix(".json").write_bytes(transcript)
    before = {path.name: path.read_bytes() for path in talk.parent.iterdir()}
    place = Place(talk, talk.with_suffix(""), (OutputFormat.SRT, OutputFormat.TXT))
    for attempt in (place.prepare, lambda: place.write(make_transcript())):
        with pytest.raises(
            FileExistsError, match=r"no transcript of .* in talk\.json\); --overwrite replaces"
        ) as refused:
            attempt()
        assert refused.value.filename == str(talk.with_suffix(".txt"))
    assert {path.name: path.read_bytes() for path in talk.parent.iterdir()} == before


def test_overwrite_replaces_them(talk: Path) -> None:
    talk.with_suffix(".srt").write_text("ground truth")
    place = Place(talk, talk.with_suffix(""), SRT, overwrites=True)
    place.prepare()
    place.write(make_transcript())
    assert talk.with_suffix(".srt").read_text().startswith("1\n")


@pytest.mark.parametrize("home", ["", "before it was moved/"])
def test_what_steno_made_of_the_same_input_is_replaced(talk: Path, home: str) -> None:
    place = Place(talk, talk.with_suffix(""), (OutputFormat.TXT, OutputFormat.JSON))
    media = talk.parent / f"{home}{talk.name}"
    place.write(transcript_of(media, content=b"speech" if home else b"of before it was cut"))
    talk.with_suffix(".txt").write_text("old")
    place.prepare()
    place.write(transcript_of(talk))
    assert talk.with_suffix(".txt").read_text() == "Hello.\n"


def test_the_transcript_is_written_first_whatever_the_order(talk: Path) -> None:
    place = Place(talk, talk.with_suffix(""), (OutputFormat.SRT, OutputFormat.JSON))
    timeless = make_segment().model_copy(update={"start": math.nan})
    with pytest.raises(ValueError, match="NaN"):  # cuts the run off at the subtitles
        place.write(make_transcript().model_copy(update={"segments": [timeless]}))
    assert sorted(path.name for path in talk.parent.iterdir()) == ["talk.json", "talk.wav"]


@pytest.mark.parametrize(
    ("form", "is_done"),
    [(form, form is OutputFormat.TXT) for form in OutputFormat],
)
def test_an_empty_file_is_nothing_done_and_nothing_to_lose(talk: Path, form: OutputFormat, *, is_done: bool) -> None:
    place = Place(talk, talk.with_suffix(""), (form,))
    talk.with_suffix(f".{form}").touch()
    assert place.is_done is is_done
    place.prepare()


@pytest.mark.parametrize(("segments", "is_done"), [([], True), ([make_segment()], False)])
def test_subtitles_are_empty_where_the_transcript_is(talk: Path, segments: list[Segment], *, is_done: bool) -> None:
    place = Place(talk, talk.with_suffix(""), (OutputFormat.JSON, OutputFormat.SRT))
    place.write(transcript_of(talk).model_copy(update={"segments": segments}))
    talk.with_suffix(".srt").write_bytes(b"")
    assert place.is_done is is_done


def test_a_medium_that_comes_later_takes_no_place(talk: Path) -> None:
    def stems_now() -> list[str]:
        media = sorted(path for path in talk.parent.iterdir() if path.suffix in (".wav", ".mp3"))
        return [place.stem.name for place in places([MediaFile(path, Path(path.name)) for path in media], None, SRT)]

    Place(talk, talk.with_suffix(""), (OutputFormat.JSON,)).write(transcript_of(talk))
    talk.with_suffix(".mp3").touch()
    assert stems_now() == ["talk.mp3", "talk"]
    talk.with_suffix(".json").unlink()
    assert stems_now() == ["talk.mp3", "talk.wav"]


def test_what_fails_leaves_nothing_behind_and_names_the_file_meant(tmp_path: Path) -> None:
    place = Place(tmp_path / "a.mp3", tmp_path / "a", SRT)
    (tmp_path / "a.srt").mkdir()
    for attempt in (place.prepare, lambda: place.write(make_transcript())):
        with pytest.raises(IsADirectoryError) as refused:
            attempt()
        assert refused.value.filename == str(tmp_path / "a.srt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.srt"]


def test_a_folder_that_takes_no_file_is_told_by_the_file_meant(tmp_path: Path) -> None:
    (tmp_path / "no folder").touch()
    file = tmp_path / "no folder" / "a.srt"
    with pytest.raises(NotADirectoryError) as refused, _partial(file):  # which cannot be removed there, either
        pass
    assert refused.value.filename == str(file)


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
