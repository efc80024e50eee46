"""`steno models` with a hub of the tests' own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from consumer.models.inventory import State, survey
from tests.engines import located
from tests.pulling import SMALL, Steno
from tests.stack.hub import TINY_MODEL, Mood, Repository, StandIn, stand_in_hub
from tests.unit.models.test_integrity import FILES, make_folder

TURBO = "mobiuslabsgmbh/faster-whisper-large-v3-turbo"


@pytest.fixture
def hub() -> Iterator[StandIn]:
    """Two models."""
    with stand_in_hub({SMALL: Repository(), TURBO: Repository()}) as found:
        yield found


def test_models_are_pulled_listed_and_verified(steno: Steno, hub: StandIn, cache: Path) -> None:
    code, pulled = steno.documents("pull", "small", "nobody/nothing", "turbo")
    assert code == ExitCode.FAILED
    assert [each.get("state") for each in pulled] == ["whole", None, "whole"]
    assert pulled[0]["revision"] == hub.repositories[SMALL].commit
    assert pulled[1]["input"] == "nobody/nothing"
    assert pulled[1]["error"]["code"] == "MODEL_UNAVAILABLE"
    assert "the hub knows no nobody/nothing" in pulled[1]["error"]["message"]

    code, listed = steno.documents("list")
    assert code == ExitCode.OK
    states = {each["name"]: (each["state"], each["source"], each["is_configured"]) for each in listed}
    assert states["small"] == ("whole", "cache", True)
    assert states["turbo"] == states["large-v3-turbo"] == ("whole", "cache", False)
    assert states["medium"] == ("absent", "hub", False)

    assert steno("verify")[0] == ExitCode.OK
    damaged = bytearray(TINY_MODEL["model.bin"])
    damaged[1000] ^= 1
    (cache / "small" / "model.bin").write_bytes(damaged)
    code, verified = steno.documents("verify")
    assert code == ExitCode.FAILED
    assert {each["name"]: each["state"] for each in verified} == {"large-v3-turbo": "whole", "small": "broken"}
    assert steno("pull", "--all")[0] == ExitCode.OK
    assert steno("verify", "small")[0] == ExitCode.OK


def test_a_pull_fills_the_cache_for_those_who_lack_the_packages(steno: Steno, cache: Path) -> None:
    code, (pulled,) = steno.documents("pull", "tiny.en", STENO_MODELS__OFFLINE="true")

    assert code == ExitCode.OK
    assert pulled["source"] == "cache"
    assert survey("tiny.en", cache).state is State.WHOLE
    assert (cache / "tiny.en" / "model.bin").is_file()


def test_a_full_cache_needs_no_hub(steno: Steno, hub: StandIn) -> None:
    assert steno("pull", "small")[0] == ExitCode.OK
    hub.mood = Mood(refuses=500)
    hub.asked.clear()
    assert steno("pull", "small")[0] == ExitCode.OK
    assert steno("pull", "small", STENO_MODELS__OFFLINE="true")[0] == ExitCode.OK
    assert hub.asked == []
    assert steno("pull", "small", "--force")[0] == ExitCode.FAILED
    assert steno("verify", "small")[0] == ExitCode.OK


def test_offline_asks_nobody_and_says_so(steno: Steno, hub: StandIn) -> None:
    code, lines, errors = steno("pull", "small", STENO_MODELS__OFFLINE="true")
    assert (code, lines) == (ExitCode.FAILED, [])
    assert "the hub was not asked (STENO_MODELS__OFFLINE)" in errors
    assert errors.count("\n") == 1
    assert hub.asked == []


def test_a_revision_is_told(steno: Steno, hub: StandIn) -> None:
    code, lines, _ = steno("pull", "small", "--revision", "v1.0")
    assert code == ExitCode.OK
    assert f"@{hub.repositories[SMALL].commit[:12]}" in lines[0]
    assert f"/api/models/{SMALL}/revision/v1.0" in hub.asked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pull"], "Name a model ('steno models list' has them), or say --all."),
        (["pull", "small", "turbo", "--revision", "v1.0"], "--revision goes with a single NAME"),
        (["pull", "small", "../../etc"], "'../../etc' is no model's name: 'steno models list' has them"),
        (["verify", "no-such"], "'no-such' is no model's name"),
    ],
)
def test_misuse_is_exit_code_2_and_changes_nothing(
    steno: Steno, hub: StandIn, cache: Path, arguments: list[str], said: str
) -> None:
    code, lines, errors = steno(*arguments)
    assert (code, lines) == (ExitCode.MISUSE, [])
    assert said in errors
    assert f"Try 'steno models {arguments[0]} --help'." in errors
    assert errors.count("\n") == 1
    assert hub.asked == []
    assert not cache.exists()


def test_a_folder_here_is_verified_by_its_path_alone(
    steno: Steno, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path / "mine", *FILES)
    monkeypatch.chdir(tmp_path)
    code, lines, errors = steno("verify", "mine")
    assert (code, lines) == (ExitCode.MISUSE, [])
    assert "'mine' is no model; write ./mine for the folder here." in errors
    code, lines, _ = steno("verify", "./mine")
    assert (code, lines[0].split()[:2]) == (ExitCode.OK, ["./mine", "unchecked"])


def test_a_damaged_record_is_put_right_by_a_pull(steno: Steno, hub: StandIn, cache: Path) -> None:
    shutil.copytree(located("tiny.en").path, cache / "tiny.en")
    (cache / "tiny.en" / "steno.json").write_text('{"source": 1')
    assert stands("tiny.en", cache) is State.UNCHECKED
    code, lines, _ = steno("pull", "tiny.en")
    assert (code, lines[0].split()[:2]) == (ExitCode.OK, ["tiny.en", "whole"])
    assert stands("tiny.en", cache) is State.WHOLE
    assert hub.asked == []


def stands(name: str, cache: Path) -> State:
    return survey(name, cache).state


def test_all_leaves_paths_in_the_settings_alone(steno: Steno, hub: StandIn) -> None:
    code, lines, errors = steno("pull", "--all", STENO_ENGINE__MODEL="/nope/x")
    assert (code, lines, errors) == (ExitCode.OK, [], "/nope/x: a path, used where it is\n")
    assert hub.asked == []


def test_what_has_no_hashes_is_unchecked_and_what_cannot_be_is_broken(steno: Steno, cache: Path) -> None:
    cache.mkdir()
    for name in ("own", "medium"):
        make_folder(cache / name, *FILES)
    code, verified = steno.documents("verify")
    assert code == ExitCode.FAILED
    assert {each["name"]: each["state"] for each in verified} == {
        "medium": "broken", "own": "unchecked", "small": "absent",
    }  # fmt: skip
    code, lines, _ = steno("verify", "own")
    assert code == ExitCode.OK
    assert lines[0].split()[:2] == ["own", "unchecked"]
