"""The names of models and the repositories behind them."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from consumer.models.names import ALIASES, NAMES, is_path, means_folder, path_here, path_of, repository_of


def test_names_are_those_of_faster_whisper() -> None:
    spec = find_spec("faster_whisper")
    assert spec
    assert spec.origin
    tree = ast.parse(Path(spec.origin).with_name("utils.py").read_text("utf-8"))
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_MODELS"
    )
    assert {name: model.repository for name, model in NAMES.items()} == ast.literal_eval(table)


def test_an_alias_and_what_it_means_are_one_repository() -> None:
    assert all(NAMES[alias].repository == NAMES[name].repository for alias, name in ALIASES.items())


@pytest.mark.parametrize(
    ("name", "repository", "path"),
    [
        ("base", "Systran/faster-whisper-base", False),
        ("owner/name.v1-ct2", "owner/name.v1-ct2", False),
        ("nobody", None, False),
        ("./owner/name", None, True),
        ("/owner/name", None, True),
        ("~/models", None, True),
        ("owner/name/", None, True),
        ("a/b/c", None, True),
        ("../name", None, True),
        (".", None, True),
        ("~", None, True),
    ],
)
def test_a_name_is_a_repository_or_a_path(name: str, repository: str | None, *, path: bool) -> None:
    assert (repository_of(name), is_path(name)) == (repository, path)


@pytest.mark.parametrize(
    ("name", "means", "here"),
    [
        ("mine", False, "./mine"), ("small", False, "./small"), ("file", False, None), ("gone", False, None),
        ("", False, None), (" ", False, None), ("a" * 300, False, None), ("a\0b", False, None),
        ("mine/part", True, None), ("mine/gone", False, None), ("a" * 300 + "/b", False, None), ("a\0b/c", False, None),
        (".", True, None), ("..", True, None), ("./gone", True, None), ("~", True, None), ("/gone", True, None),
    ],
)  # fmt: skip
def test_a_folder_here_is_meant_by_its_path_and_a_bare_name_is_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, means: bool, here: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "part").mkdir(parents=True)
    (tmp_path / "small").mkdir()
    (tmp_path / "file").touch()
    assert (means_folder(name), path_here(name)) == (means, here)


def test_a_home_that_nobody_has_is_a_path_that_is_not_there() -> None:
    assert path_of("~nobody-of-this-name/m") == Path("~nobody-of-this-name/m")
    assert path_of("~/m") == Path.home() / "m"
