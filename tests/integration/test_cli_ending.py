"""How the command ends as a process: what its output goes into has a say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["languages"]])
def test_a_full_disk_behind_the_output_is_one_line_and_no_defect(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "consumer", *arguments],
            check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr == "steno: cannot write: No space left on device\n"
