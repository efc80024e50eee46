"""A folder of weights is whole or it is not used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from consumer.models.integrity import Defect, inspect

FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")


def make_folder(path: Path, *names: str) -> Path:
    path.mkdir(exist_ok=True)
    for name in names:
        (path / name).write_text(name)
    return path


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
