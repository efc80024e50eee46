"""Packaged pieces become one folder, whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from consumer.models.catalog import KnownModel, PackagedFile
from consumer.models.integrity import Defect, inspect
from consumer.models.packages import folder_of, install, pieces_of

CONTENT = {"config.json": "config", "model.bin": "onetwo"}
MODEL = KnownModel({name: hashlib.sha256(text.encode()).hexdigest() for name, text in CONTENT.items()}, {})
EXPECTED = MODEL.sha256


def make_pieces(folder: Path, *, second: str = "two") -> dict[str, list[Path]]:
    folder.mkdir(exist_ok=True)
    for name, text in {"config.json": "config", "model.bin.1": "one", "model.bin.2": second}.items():
        (folder / name).write_text(text)
    return {"config.json": [folder / "config.json"], "model.bin": [folder / "model.bin.1", folder / "model.bin.2"]}


def test_parts_are_joined_in_order_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "base"
    assert install(make_pieces(tmp_path / "pieces"), MODEL, target) is None
    assert inspect(target, EXPECTED) == EXPECTED["model.bin"]
    assert sorted(path.name for path in target.parent.iterdir()) == [".base.lock", "base"]


def test_a_broken_folder_is_replaced_and_what_a_person_put_there_is_kept_beside(tmp_path: Path) -> None:
    target = tmp_path / "base"
    target.mkdir()
    (target / "model.bin").write_text("half")
    assert install(make_pieces(tmp_path / "pieces"), MODEL, target) is None
    assert inspect(target, EXPECTED) == EXPECTED["model.bin"]
    assert (tmp_path / ".base.replaced" / "model.bin").read_text() == "half"


def test_a_folder_that_was_installed_and_broke_is_not_kept(tmp_path: Path) -> None:
    pieces, target = make_pieces(tmp_path / "pieces"), tmp_path / "base"
    install(pieces, MODEL, target)
    (target / "model.bin").write_text("half")
    assert install(pieces, MODEL, target) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [".base.lock", "base", "pieces"]


def test_a_whole_folder_is_left_alone(tmp_path: Path) -> None:
    pieces, target = make_pieces(tmp_path / "pieces"), tmp_path / "base"
    install(pieces, MODEL, target)
    before = (target / "model.bin").stat().st_ino
    assert install(pieces, MODEL, target) is None
    assert (target / "model.bin").stat().st_ino == before


def test_what_a_killed_process_left_does_not_matter(tmp_path: Path) -> None:
    for leftover in (".base.partial", ".base.broken"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "model.bin").write_text("half")
    assert install(make_pieces(tmp_path / "pieces"), MODEL, tmp_path / "base") is None
    assert not (tmp_path / ".base.partial").exists()


def test_damaged_pieces_change_nothing(tmp_path: Path) -> None:
    target = tmp_path / "base"
    verdict = install(make_pieces(tmp_path / "pieces", second="too"), MODEL, target)
    assert verdict == Defect("has a damaged model.bin (its sha256 is not the known one)")
    assert not target.exists()
    assert not (tmp_path / ".base.partial").exists()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a": ["/x/a"], "b": ["/x/b"]}, Path("/x")),
        ({"a": ["/x/a"], "b": ["/y/b"]}, None),
        ({"a": ["/x/a"], "b": ["/x/b.1", "/x/b.2"]}, None),
        ({"a": ["/x/a"], "b": ["/x/other"]}, None),
    ],
)
def test_files_are_used_in_place_only_where_they_lie_as_one_folder(
    files: dict[str, list[str]], expected: Path | None
) -> None:
    assert folder_of({name: [Path(path) for path in paths] for name, paths in files.items()}) == expected


def test_a_missing_package_is_named() -> None:
    model = KnownModel({}, {"model.bin": (PackagedFile("no-such-weights", "no_such_weights", "model.bin"),)})
    assert pieces_of(model) == Defect("not installed: no-such-weights")


def test_a_missing_file_in_a_package_is_named() -> None:
    model = KnownModel({}, {"model.bin": (PackagedFile("pytest", "pytest", "model.bin"),)})
    verdict = pieces_of(model)
    assert isinstance(verdict, Defect)
    assert "pytest/model.bin" in verdict.reason
