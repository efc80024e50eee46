"""A folder of weights is whole or it is not used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from consumer.models.catalog import KNOWN
from consumer.models.integrity import Defect, damage_in, expected_of, inspect
from consumer.models.record import FolderRecord, RecordedFile
from tests.unit.models.test_layout import make_weights

FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")


def make_folder(path: Path, *names: str) -> Path:
    path.mkdir(exist_ok=True)
    for name in names:
        (path / name).write_bytes(content_of(name))
    return path


def content_of(name: str) -> bytes:
    return make_weights() if name == "model.bin" else name.encode()


def sha256(name: str) -> str:
    return hashlib.sha256(content_of(name)).hexdigest()


EXPECTED = {name: sha256(name) for name in FILES}


@pytest.mark.parametrize("expected", [None, EXPECTED])
def test_a_whole_folder_gives_the_hash_of_its_weights(tmp_path: Path, expected: dict[str, str] | None) -> None:
    assert inspect(make_folder(tmp_path, *FILES), expected) == sha256("model.bin")


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    folder = make_folder(tmp_path, *(name for name in FILES if name != missing))
    assert inspect(folder, EXPECTED) == Defect(f"lacks {missing}")
    assert inspect(folder, None) == Defect(f"lacks {missing.replace('.txt', '.json')}")


@pytest.mark.parametrize("damaged", FILES)
def test_a_damaged_file_is_named(tmp_path: Path, damaged: str) -> None:
    folder = make_folder(tmp_path, *FILES)
    (folder / damaged).write_text("else")
    assert inspect(folder, EXPECTED) == Defect(f"has a damaged {damaged} (its sha256 is not the known one)")


def test_an_unknown_model_may_have_either_vocabulary(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "config.json", "model.bin", "tokenizer.json", "vocabulary.json")
    assert inspect(folder, None) == sha256("model.bin")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("own", None),
        ("owner/name", None),
        ("small", "has 1 MB, which no 'small' has (about 486 MB)"),
        ("tiny.en", "has 1 MB, which no 'tiny.en' has (about 78 MB)"),
    ],
)
def test_without_hashes_the_size_has_to_be_one_that_the_name_can_have(
    tmp_path: Path, name: str, reason: str | None
) -> None:
    folder = make_folder(tmp_path, *FILES)
    (folder / "model.bin").write_bytes(make_weights(1_000_000))
    verdict = inspect(folder, None, name)
    assert (verdict.reason if isinstance(verdict, Defect) else None) == reason


def test_weights_that_are_cut_short_are_known_without_a_hash(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, *FILES)
    (folder / "model.bin").write_bytes(make_weights()[:-1])
    verdict = inspect(folder, None)
    assert isinstance(verdict, Defect)
    assert verdict.reason.startswith("has a model.bin that is cut short")


@pytest.mark.parametrize(
    ("second", "defect"),
    [("two", None), ("tow", Defect("has a damaged model.bin (its sha256 is not the known one)"))],
)
def test_files_in_pieces_are_judged_as_they_would_be_joined(tmp_path: Path, second: str, defect: Defect | None) -> None:
    pieces = [tmp_path / "model.bin.1", tmp_path / "model.bin.2"]
    for piece, content in zip(pieces, ("one", second), strict=True):
        piece.write_text(content)
    expected = {"model.bin": hashlib.sha256(b"onetwo").hexdigest()}
    assert damage_in({"model.bin": pieces}, expected) == defect


def test_hashes_are_those_of_the_record_and_else_those_known_for_the_name() -> None:
    record = FolderRecord(source="a/b", revision="c", files={"model.bin": RecordedFile(size_bytes=1, sha256="a" * 64)})
    assert expected_of("base", record) == {"model.bin": "a" * 64}
    assert expected_of("base", None) == expected_of("Systran/faster-whisper-base", None) == KNOWN["base"].sha256
    assert expected_of("small", None) is expected_of("owner/base", None) is expected_of("", None) is None
