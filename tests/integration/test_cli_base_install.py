"""The commands on a base install: what needs an extra says so, the rest works."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from consumer.core.failures import ExitCode

EXTRAS: Final = ("faster_whisper", "ctranslate2", "av", "numpy", "structlog", "moto", "flask", "confluent_kafka")
STENO: Final = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))  # None there makes an import fail as if nothing were installed
from consumer.__main__ import main
main()
"""


def steno(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STENO, *arguments], check=False, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["--version"], ["submit", "--help"], ["topics", "check", "--help"], ["status", "--help"],
        ["jobs", "--help"], ["cancel", "--help"],
    ],
)  # fmt: skip
def test_the_client_side_needs_no_extra(arguments: list[str]) -> None:
    ended = steno(*arguments)
    assert (ended.returncode, ended.stderr) == (ExitCode.OK, "")


@pytest.mark.parametrize(
    ("command", "extra"), [("worker", "worker"), ("transcribe", "worker"), ("dlq", "worker"), ("demo", "demo")]
)
def test_a_command_without_its_extra_is_one_line(command: str, extra: str) -> None:
    ended = steno(command, "x")
    assert ended.returncode == ExitCode.UNAVAILABLE
    assert ended.stderr == (f"steno: '{command}' needs more than the base install; run: pip install 'steno[{extra}]'\n")
