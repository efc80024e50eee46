"""By what steno knows its own transcripts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from consumer.cli.earlier import read_transcript_of
from tests.make import make_transcript

CONTENT = b"speech"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(CONTENT)
    return path


def write_transcript(file: Path, uri: str, *, content: bytes = b"of another recording") -> Path:
    transcript = make_transcript()
    source = {"uri": uri, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    document = transcript.model_copy(update={"input": transcript.input.model_copy(update=source)})
    file.write_text(document.model_dump_json())
    return file


@pytest.mark.parametrize(
    ("uri", "content", "is_known"),
    [
        ("file:///there/talk.wav", CONTENT, True),
        ("file:///there/talk.wav", b"speecH", False),
        ("file:///there/talk.wav", b"more than that", False),
        ("file:///there/copy.wav", CONTENT, False),
        ("s3://media/talk.wav", CONTENT, True),
        ("s3://media/talk.wav", b"speecH", False),
    ],
)
def test_media_that_moved_are_known_by_name_and_content(
    talk: Path, uri: str, content: bytes, *, is_known: bool
) -> None:
    file = write_transcript(talk.with_suffix(".json"), uri, content=content)
    assert (read_transcript_of(talk, file) is not None) is is_known


@pytest.mark.parametrize("name", ["talk 50% #1?.wav", "ü.wav", os.fsdecode(b"bad\xff.wav"), "down/../talk.wav"])
def test_media_that_stayed_are_known_by_their_path(tmp_path: Path, name: str) -> None:
    file = write_transcript(tmp_path / "t.json", (tmp_path / name).as_uri())
    assert read_transcript_of(Path(os.path.normpath(tmp_path / name)), file) is not None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"schema_version": 1}'])
def test_a_document_of_another_kind_is_nobodys_transcript(talk: Path, content: bytes) -> None:
    file = talk.with_suffix(".json")
    file.write_bytes(content)
    assert read_transcript_of(talk, file) is None


def test_a_pipe_is_not_waited_for(talk: Path) -> None:
    os.mkfifo(talk.with_suffix(".json"))
    assert read_transcript_of(talk, talk.with_suffix(".json")) is None
