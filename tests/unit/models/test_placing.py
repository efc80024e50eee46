"""A folder of the cache is replaced as a whole."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from consumer.models.placing import locked, place, require_space, set_aside, workplace


def make_workplace(folder: Path, content: str) -> None:
    workplace(folder).mkdir(parents=True)
    (workplace(folder) / "file").write_text(content)


def test_what_was_there_is_replaced_and_gone(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    for content in ("first", "second"):
        make_workplace(folder, content)
        place(folder)
        assert (folder / "file").read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "cache" / "small"
    for content in ("first", "second"):
        make_workplace(folder, content)
        if content == "first":
            folder.symlink_to(elsewhere)
        place(folder)
        assert (folder / "file").read_text() == content
    assert elsewhere.is_dir()
    assert [path.name for path in folder.parent.iterdir()] == ["small"]


def test_only_the_latest_that_was_set_aside_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    for content in ("first", "second"):
        make_workplace(folder, content)
        place(folder)
        set_aside(folder)
        assert not folder.exists()
    assert (tmp_path / ".small.replaced" / "file").read_text() == "second"


def test_what_the_disk_cannot_hold_is_refused_with_the_figures(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(bytes(1000))
    require_space(tmp_path, 1000)
    with pytest.raises(OSError, match=r"1000000000000 MB are to come and \d+ MB are free") as caught:
        require_space(tmp_path, 10**18 + 1000)
    assert caught.value.errno == errno.ENOSPC


def test_who_waits_for_the_lock_may_give_up(tmp_path: Path) -> None:
    def give_up() -> None:
        raise InterruptedError("nobody waits")

    folder = tmp_path / "owner" / "name"
    with locked(folder), pytest.raises(InterruptedError), locked(folder, give_up):
        pass
    with locked(folder, give_up):
        assert folder.parent.is_dir()
