"""How each model stands, without changing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.models.inventory import State, all_names, is_pullable, names_in, survey
from consumer.models.names import NAMES
from consumer.models.record import FolderRecord, RecordedFile, write_record
from tests.unit.models.test_integrity import FILES, content_of, make_folder, sha256

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def make_recorded(folder: Path) -> Path:
    make_folder(folder, *FILES)
    files = {name: RecordedFile(size_bytes=len(content_of(name)), sha256=sha256(name)) for name in FILES}
    write_record(folder, FolderRecord(source="owner/name", revision=COMMIT, files=files))
    return folder


def test_a_recorded_folder_is_whole(tmp_path: Path) -> None:
    folder = make_recorded(tmp_path / "small")
    entry = survey("small", tmp_path, is_thorough=True)
    assert (entry.state, entry.source, entry.where, entry.revision) == (State.WHOLE, "cache", str(folder), COMMIT)
    assert entry.size_bytes == sum(len(content_of(name)) for name in FILES)
    assert entry.detail == ""


@pytest.mark.parametrize(
    ("content", "glanced", "detail"),
    [
        ("else", State.BROKEN, "has a damaged model.bin (its size is not the recorded one)"),
        ("e" * len(content_of("model.bin")), State.WHOLE, ""),
        (None, State.BROKEN, "lacks model.bin"),
    ],
)
def test_damage_is_seen_by_size_at_a_glance_and_by_hash_when_read(
    tmp_path: Path, content: str | None, glanced: State, detail: str
) -> None:
    weights = make_recorded(tmp_path / "small") / "model.bin"
    weights.unlink()
    if content:
        weights.write_text(content)
    entry = survey("small", tmp_path)
    assert (entry.state, entry.detail) == (glanced, detail)
    assert survey("small", tmp_path, is_thorough=True).state is State.BROKEN


@pytest.mark.parametrize("is_thorough", [True, False])
def test_a_folder_filled_by_hand_is_complete_and_unchecked(tmp_path: Path, *, is_thorough: bool) -> None:
    make_folder(tmp_path / "own", *FILES)
    entry = survey("own", tmp_path, is_thorough=is_thorough)
    assert (entry.state, entry.detail) == (State.UNCHECKED, "filled by hand, no hashes known")


@pytest.mark.parametrize("name", ["base", "Systran/faster-whisper-base"])
def test_a_known_model_filled_by_hand_is_judged_by_the_known_hashes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    make_folder(tmp_path / name, *FILES)
    assert survey(name, tmp_path).state is State.UNCHECKED
    entry = survey(name, tmp_path, is_thorough=True)
    assert (entry.state, entry.detail) == (
        State.BROKEN, "has a damaged config.json (its sha256 is not the known one)",
    )  # fmt: skip


def test_a_size_that_the_name_cannot_have_is_broken(tmp_path: Path) -> None:
    make_folder(tmp_path / "small", *FILES)
    entry = survey("small", tmp_path, is_thorough=True)
    assert (entry.state, entry.detail) == (State.BROKEN, "has 0 MB, which no 'small' has (about 486 MB)")


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("small", True), ("owner/name", True), ("own", True),
        ("no-such", False), ("", False), (" ", False), ("../../etc", False), ("..", False), ("own/..", False),
        (".", False), ("/etc", False), ("a/b/c", False), ("a" * 300, False), ("a\0b", False), (".own.partial", False),
    ],
)  # fmt: skip
def test_names_that_can_be_pulled(tmp_path: Path, name: str, *, is_so: bool) -> None:
    make_folder(tmp_path / "own", *FILES)
    make_folder(tmp_path / ".own.partial", *FILES)
    assert is_pullable(name, tmp_path) is is_so


def test_what_is_not_here_would_come_from_the_hub(tmp_path: Path) -> None:
    entry = survey("turbo", tmp_path)
    assert (entry.state, entry.source, entry.where) == (State.ABSENT, "hub", NAMES["turbo"].repository)
    assert entry.size_bytes == 1_620_000_000
    assert survey("owner/own", tmp_path).where == "owner/own"


def test_an_alias_stands_for_the_model_that_it_means(tmp_path: Path) -> None:
    folder = make_recorded(tmp_path / "large-v3-turbo")
    assert survey("turbo", tmp_path).where == str(folder)


@pytest.mark.parametrize("name", ["no-such", "./no-such", "/no/such"])
def test_what_nobody_has_comes_from_nowhere(tmp_path: Path, name: str) -> None:
    entry = survey(name, tmp_path)
    assert (entry.state, entry.source) == (State.ABSENT, "nowhere")
    assert entry.detail


def test_a_path_is_judged_where_it_is(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "mine", *FILES)
    assert (survey(str(folder), tmp_path / "cache").source, survey(str(folder), tmp_path).where) == (
        "path", str(folder),
    )  # fmt: skip


def test_the_current_folder_is_a_path_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_folder(tmp_path / "mine", *FILES))
    assert (survey(".", tmp_path).source, survey(".", tmp_path).state) == ("path", State.UNCHECKED)


@pytest.mark.parametrize(("name", "source"), [("mine", "nowhere"), ("small", "hub")])
def test_a_folder_here_of_a_bare_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / name, *FILES)
    entry = survey(name, tmp_path / "cache")
    assert (entry.state, entry.source, entry.detail) == (State.ABSENT, source, f"write ./{name} for the folder here")


def test_a_path_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    entry = survey(f"./{'a' * 300}", tmp_path)
    assert (entry.state, entry.detail) == (State.BROKEN, "cannot be read (File name too long)")


def test_names_are_those_of_the_table_the_cache_and_the_settings(tmp_path: Path) -> None:
    make_folder(tmp_path / "own", *FILES)
    (tmp_path / "owner").mkdir()
    make_folder(tmp_path / "owner" / "other", *FILES)
    make_folder(tmp_path / ".own.partial", *FILES)
    make_folder(tmp_path / "owner" / ".other.partial", *FILES)
    assert list(names_in(tmp_path)) == ["own", "owner/other"]
    assert all_names(tmp_path, ["base", "/a/path"]) == [*NAMES, "own", "owner/other", "/a/path"]
