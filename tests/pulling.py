"""Models pulled from a hub of the tests' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.models.download import Download
from consumer.models.hub import Hub
from consumer.models.resolve import LocatedModel, Wanted, find
from tests.stack.hub import TINY_MODEL, StandIn

SMALL: Final = "Systran/faster-whisper-small"
"""The repository of `small`."""
WEIGHTS_BYTES: Final = len(TINY_MODEL["model.bin"])


def pull(hub: StandIn, cache: Path, name: str = "small", **how: Any) -> LocatedModel:
    """As `steno models pull` does."""
    return find(Wanted(name, cache, Download(Hub(hub.url, look_up_timeout_s=1)), **how))


def refusal(hub: StandIn, cache: Path, **how: Any) -> str:
    """What a pull of `small` ends with that leaves nothing there."""
    with pytest.raises(FatalError) as caught:
        pull(hub, cache, **how)
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert not (cache / "small").exists()
    return caught.value.message


class Steno:
    """`steno models`, as a user runs it; its settings name `small`."""

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

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts it, without an end."""
        return subprocess.Popen(
            [sys.executable, "-m", "consumer", "models", *arguments],
            env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def documents(self, *arguments: str, **environment: str) -> tuple[int, list[Any]]:
        """Runs it with --json."""
        code, lines, _ = self(*arguments, "--json", **environment)
        return code, [json.loads(line) for line in lines]
