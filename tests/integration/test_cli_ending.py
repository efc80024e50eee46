"""How the command ends as a process: what its output goes into has a say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from tests.media import make_wav


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["languages"]])
def test_a_full_disk_behind_the_output_is_one_line_and_no_defect(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "consumer", *arguments],
            check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr == "steno: cannot write: No space left on device\n"


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-"])
def test_a_closed_standard_error_is_no_obstacle(closed: str, tmp_path: Path) -> None:
    talk = tmp_path / "talk.wav"
    talk.write_bytes(make_wav(16_000))
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -m consumer transcribe "$@" {closed}', sys.executable, talk, tmp_path / "missing.wav"],
        check=False, stdout=subprocess.PIPE, text=True, timeout=60, env={**os.environ, "STENO_ENGINE__KIND": "fake"},
    )  # fmt: skip
    assert ended.returncode == ExitCode.FAILED  # of the input that is missing
    assert ended.stdout.startswith(f"==> {talk} <==")
    assert talk.read_bytes() == make_wav(16_000)


@pytest.mark.parametrize(("command", "code"), [("worker", 0), ("languages", -signal.SIGTERM)])
def test_a_worker_asked_to_end_while_it_is_imported_has_ended_well(command: str, code: int) -> None:
    program = [sys.executable, "-X", "importtime", "-m", "consumer", command]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.split()[-1] == "click.core")  # others are still to be imported
        process.terminate()
        said = [line for line in process.stderr if not line.startswith("import time:")]
    assert (process.returncode, said) == (code, [])


def test_log_lines_need_no_standard_error() -> None:
    program = "from consumer.adapters.telemetry import configure_logging as c; c(as_json=False, level='info'); print(1)"
    ended = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program],
        check=False, stdout=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "1\n")
