"""The record beside the weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consumer.models.record import FolderRecord, RecordedFile, is_by_hand, read_record, write_record

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RECORD = FolderRecord(
    source="owner/name", revision=COMMIT, asked_revision="v1.0",
    files={"model.bin": RecordedFile(size_bytes=1, sha256="a" * 64), "b": RecordedFile(size_bytes=2, sha256="b" * 64)},
)  # fmt: skip


NOTHING = '{"source": "owner/name", "revision": "a", "files": {}}'


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_record(tmp_path) == RECORD
    assert (RECORD.size_bytes, RECORD.sha256["b"]) == (3, "b" * 64)


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"source": 1}', NOTHING])
def test_what_cannot_be_read_is_no_record(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "steno.json").write_text(text)
    assert read_record(tmp_path) is None
    assert read_record(tmp_path / "steno.json") is None


@pytest.mark.parametrize(
    ("revision", "fits"),
    [(COMMIT, True), (COMMIT[:7], True), (COMMIT[:6], False), ("v1.0", True), ("main", False), (COMMIT[1:], False)],
)
def test_a_revision_is_a_commit_or_what_was_asked_for(revision: str, *, fits: bool) -> None:
    assert RECORD.answers(revision) is fits


def test_what_is_known_by_its_hashes_alone_answers_to_no_revision(tmp_path: Path) -> None:
    record = RECORD.model_copy(update={"revision": None, "asked_revision": None})
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert not record.answers(COMMIT)


def test_a_pipe_in_the_place_of_the_record_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "steno.json")
    assert read_record(tmp_path) is None


def test_weights_without_a_record_were_put_there_by_hand(tmp_path: Path) -> None:
    assert not is_by_hand(tmp_path)
    (tmp_path / "model.bin").touch()
    assert is_by_hand(tmp_path)
    write_record(tmp_path, RECORD)
    assert not is_by_hand(tmp_path)
