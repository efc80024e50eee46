"""What is cut out of the image: only what was meant, and never what a loader reads."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
import yaml._yaml

_FOLDER: Final = Path(__file__).parents[2] / "infra" / "image"
_BYTES: Final = 1000


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(_FOLDER)
    yield import_module("cut")
    for name in ("cut", "debug_sections"):
        del sys.modules[name]


@pytest.fixture
def debug_sections(cut: ModuleType) -> ModuleType:  # noqa: ARG001 - it says where to look
    return import_module("debug_sections")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library whose wheel carries debug information, as most do."""
    return Path(shutil.copy(yaml._yaml.__file__, tmp_path / "library.so"))


def make_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(_BYTES))
    return path


def test_a_library_without_its_debug_sections_is_loaded_as_before(debug_sections: ModuleType, library: Path) -> None:
    before = library.read_bytes()

    saved = debug_sections.strip_in_place(library)

    after = library.read_bytes()
    assert saved == len(before) - len(after) > len(after)
    assert debug_sections.loaded_bytes(after) == debug_sections.loaded_bytes(before)
    assert hasattr(ctypes.CDLL(str(library)), "PyInit__yaml")


def test_a_library_is_not_cut_twice(debug_sections: ModuleType, library: Path) -> None:
    debug_sections.strip_in_place(library)

    assert debug_sections.strip_in_place(library) == 0


def test_what_is_no_library_stays_as_it_is(debug_sections: ModuleType) -> None:
    script = b"INPUT(libother.so)\n"

    assert debug_sections.without_debug_sections(script) == script


def test_a_cut_spares_what_it_names_and_says_what_it_saved(cut: ModuleType, tmp_path: Path) -> None:
    kept, gone = make_file(tmp_path / "data" / "s3" / "api"), make_file(tmp_path / "data" / "ec2" / "api")

    saved = cut.apply(cut.Cut("models", ("data/*",), frozenset({"s3"})), tmp_path)

    assert saved == _BYTES
    assert kept.exists()
    assert not gone.parent.exists()


def test_a_cut_that_finds_nothing_ends_the_build(cut: ModuleType, tmp_path: Path) -> None:
    make_file(tmp_path / "one" / "file")

    with pytest.raises(LookupError, match="nothing matches two"):
        cut.apply(cut.Cut("something", ("one", "two")), tmp_path)

    assert (tmp_path / "one").exists()


def test_a_cut_that_misses_what_it_should_spare_ends_the_build(cut: ModuleType, tmp_path: Path) -> None:
    make_file(tmp_path / "data" / "ec2" / "api")

    with pytest.raises(LookupError, match="s3 should stay"):
        cut.apply(cut.Cut("models", ("data/*",), frozenset({"s3"})), tmp_path)


def test_a_folder_without_debug_information_ends_the_build(cut: ModuleType, tmp_path: Path) -> None:
    make_file(tmp_path / "library.so")

    with pytest.raises(LookupError, match="no library"):
        cut.strip(tmp_path)


def test_the_interpreter_is_the_one_program_that_stays(cut: ModuleType, tmp_path: Path) -> None:
    for name in ("python", "python3", "hf"):
        make_file(tmp_path / "bin" / name)

    assert cut.remove_programs(tmp_path) == _BYTES
    assert sorted(path.name for path in (tmp_path / "bin").iterdir()) == ["python", "python3"]
