"""What the inputs of `steno submit` stand for."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from consumer.cli.entries import Entry, entries_in, entry_of
from consumer.cli.output import Failure
from consumer.cli.request_files import WrittenRequest
from contracts.errors import ErrorCode
from contracts.requests import Input, Options, TranscriptionRequest

TEMPLATE = TranscriptionRequest(input=Input(uri="s3://media/stand-in"), options=Options(language="en"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.wav", "deep/b.mp3", "deep/notes.txt", "[x].wav"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"sound")
    return tmp_path


def names(*inputs: str | Path) -> list[str]:
    return [
        each.name if isinstance(each, Entry) else f"{each.code} {each.input}"
        for each in entries_in([str(each) for each in inputs], TEMPLATE)
    ]


def test_files_folders_patterns_and_objects_keep_their_order(folder: Path) -> None:
    deep = folder / "deep"
    assert names("s3://media/z.mp3", deep, f"{folder}/*.wav", deep / "notes.txt") == [
        "s3://media/z.mp3", f"{deep}/b.mp3", f"{folder}/[x].wav", f"{folder}/a.wav", f"{deep}/notes.txt",
    ]  # fmt: skip


def test_a_name_with_magic_in_it_is_that_file(folder: Path) -> None:
    assert names(folder / "[x].wav") == [f"{folder}/[x].wav"]


def test_a_pattern_that_fits_nothing_and_an_empty_folder_are_failures(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert names(f"{folder}/*.ogg", folder / "empty") == [
        f"INPUT_NOT_FOUND {folder}/*.ogg", f"INPUT_NOT_FOUND {folder}/empty"
    ]  # fmt: skip


def test_two_ways_to_name_a_file_have_one_key(folder: Path) -> None:
    first, second = entries_in([f"{folder}/a.wav", f"{folder}/deep/../a.wav"], TEMPLATE)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert first.key == second.key
    assert first.name != second.name


def test_odd_names_are_files_like_others(folder: Path) -> None:
    odd = ["new\nline.wav", "100%.wav", "ünï 語.wav", "s3:.wav", os.fsdecode(b"caf\xe9.wav")]
    for name in odd:
        (folder / name).write_bytes(b"sound")
    assert names(*(folder / name for name in odd)) == [f"{folder}/{name}" for name in odd]


def test_a_name_longer_than_a_file_can_have_is_told_in_its_turn(tmp_path: Path) -> None:
    [found] = entries_in([f"{tmp_path}/{'x' * 300}.wav"], TEMPLATE)
    assert isinstance(found, Entry)


def test_a_request_has_its_job_id_from_the_start() -> None:
    first, second = entries_in(["s3://media/a.mp3", "s3://media/b.mp3"], TEMPLATE)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert first.job_id
    assert first.job_id != second.job_id
    assert first.request.options.language == "en"
    assert first.request.input.uri == "s3://media/a.mp3"


def test_a_written_request_keeps_its_job_id() -> None:
    request = TEMPLATE.model_copy(update={"job_id": "call-1"})
    entry = entry_of(WrittenRequest("r.json:3", request))
    assert (entry.job_id, entry.key, entry.name, entry.path) == ("call-1", "r.json:3", "s3://media/stand-in", None)


@pytest.mark.parametrize(
    "uri", ["s3://media", "s3://media/", "s3://M/a", "s3://media/" + "x" * 1025, "s3://media/\udcff"]
)
def test_a_uri_that_names_no_object_is_misuse(uri: str) -> None:
    with pytest.raises(click.UsageError, match="expected s3://bucket/key"):
        list(entries_in([uri], TEMPLATE))


def test_a_failure_keeps_its_reason(tmp_path: Path) -> None:
    [found] = entries_in([f"{tmp_path}/*.wav"], TEMPLATE)
    assert isinstance(found, Failure)
    assert found.code == ErrorCode.INPUT_NOT_FOUND
    assert "no file fits" in found.message
