"""`steno models` with a hub of the tests' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.core.failures import ExitCode
from tests.stack.hub import TINY_MODEL, Mood, Repository, StandIn, stand_in_hub

SMALL = "Systran/faster-whisper-small"
TURBO = "mobiuslabsgmbh/faster-whisper-large-v3-turbo"


@pytest.fixture
def hub() -> Iterator[StandIn]:
    """Two models."""
    with stand_in_hub({SMALL: Repository(), TURBO: Repository()}) as found:
        yield found


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "cache"


class Steno:
    """The command, as a user runs it."""

    def __init__(self, hub: StandIn, cache: Path) -> None:
        """Finds the hub as a user's would be found: by its variable."""
        self._environment = {
            **os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_made_up", "STENO_MODELS__DIR": str(cache),
            "STENO_ENGINE__MODEL": "small",
        }  # fmt: skip

    def __call__(self, *arguments: str, **environment: str) -> tuple[int, list[str], str]:
        """Runs it; exit code, lines on standard output, standard error."""
        done = subprocess.run(
            [sys.executable, "-m", "consumer", "models", *arguments],
            env={**self._environment, **environment}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.splitlines(), done.stderr

    def documents(self, *arguments: str, **environment: str) -> tuple[int, list[Any]]:
        """Runs it with --json."""
        code, lines, _ = self(*arguments, "--json", **environment)
        return code, [json.loads(line) for line in lines]


@pytest.fixture
def steno(hub: StandIn, cache: Path) -> Steno:
    """The command."""
    return Steno(hub, cache)


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


@pytest.mark.parametrize("arguments", [["pull"], ["pull", "small", "turbo", "--revision", "v1.0"], ["pull", "--most"]])
def test_misuse_is_exit_code_2(steno: Steno, arguments: list[str]) -> None:
    code, lines, errors = steno(*arguments)
    assert (code, lines) == (ExitCode.MISUSE, [])
    assert "steno models pull --help" in errors
