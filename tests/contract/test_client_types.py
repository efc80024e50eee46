"""Types as a user's checker sees them: strict, and without pydantic's plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import contracts
from contracts import client
from tests.contract.examples import shown_python

MISUSE = """
from contracts import Options
from contracts.client import SyncStenoClient

with SyncStenoClient() as steno:
    steno.transcribe("a.mp3", options=Options(beam_size="5"))
    steno.transcribe("a.mp3", lang="en")
    text: int = steno.transcribe("a.mp3").text
"""


def checked(program: str, folder: Path, cache: Path) -> list[str]:
    """What mypy says of a program that stands outside of this tree."""
    path = folder / "program.py"
    path.write_text(program, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", path.name]
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.stderr == ""
    return [line for line in ended.stdout.splitlines() if "error:" in line]


@pytest.fixture
def cache(pytestconfig: pytest.Config) -> Path:
    """Kept from run to run: reading the libraries takes most of the time."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("mypy-of-users")


def test_the_examples_are_strictly_typed(tmp_path: Path, cache: Path) -> None:
    assert checked("\n\n".join(shown_python()), tmp_path, cache) == []


def test_misuse_is_noticed_by_the_types(tmp_path: Path, cache: Path) -> None:
    found = [line.rpartition("[")[2] for line in checked(MISUSE, tmp_path, cache)]
    assert found == ["arg-type]", "call-arg]", "assignment]"]


@pytest.mark.parametrize("module", [contracts, client])
def test_what_is_public_is_there_and_told_of(module: object) -> None:
    names = vars(module)["__all__"]
    assert list(names) == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    undocumented = [name for name in names if callable(vars(module)[name]) and not vars(module)[name].__doc__]
    assert undocumented == []
