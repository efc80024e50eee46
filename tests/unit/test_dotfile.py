"""The file `.env`: what it sets, and how its faults are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.loading import Load, refusal


def test_file_that_is_no_text_is_refused(load: Load) -> None:
    Path(".env").write_bytes(b"STENO_LOG__LEVEL=\xff\n")
    assert refusal(load) == "the file .env cannot be read: it is not UTF-8; save it in this encoding"


def test_folder_in_the_place_of_the_file_is_refused(load: Load) -> None:
    Path(".env").mkdir()
    assert refusal(load).startswith(".env is no file that can be read; ")


def test_link_to_nowhere_in_the_place_of_the_file_is_refused(load: Load) -> None:
    Path(".env").symlink_to("gone.env")
    assert "a link to gone.env, which is not there" in refusal(load)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_file_that_we_may_not_read_is_refused(load: Load) -> None:
    Path(".env").touch(mode=0)
    assert refusal(load).startswith("the file .env cannot be read (Permission denied); ")


def test_mark_of_a_windows_editor_is_no_part_of_a_name(load: Load) -> None:
    Path(".env").write_bytes(b"\xef\xbb\xbfSTENO_ENGINE__MODEL=tiny.en\r\nSTENO_LOG__LEVEL=debug\r\n")
    settings = load()
    assert (settings.engine.model, settings.log.level) == ("tiny.en", "debug")


@pytest.mark.parametrize("line", ["STENO_ENGINE__MODEL: tiny.en", "STENO_LOG__LEVEL='debug", "a b=c", "A=x\0y"])
def test_line_that_sets_nothing_is_refused_by_its_number(load: Load, line: str) -> None:
    Path(".env").write_text(f"# a comment\n\n{line}\n", "utf-8")
    assert refusal(load) == "line 3 of .env is not NAME=value; correct it, or put '#' before it"


def test_two_values_of_one_name_in_the_file_are_refused(load: Load) -> None:
    Path(".env").write_text("STENO_LOG__LEVEL=debug\nA=1\nA=2\nsteno_log__level=info\n", "utf-8")
    assert refusal(load) == "STENO_LOG__LEVEL has two values in .env (lines 1 and 4); keep one of them"


def test_one_value_may_stand_twice_in_the_file(load: Load) -> None:
    Path(".env").write_text("STENO_LOG__LEVEL=debug\nSTENO_LOG__LEVEL=debug\n", "utf-8")
    assert load().log.level == "debug"
