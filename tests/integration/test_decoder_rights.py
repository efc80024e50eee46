"""What a decoder could do before it gave up its rights, and what it can do after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from consumer.media.landlock import landlock_abi
from consumer.media.sandbox import Protections
from tests.integration.confined import ATTEMPTS, REFUSED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the protections are Linux's")

_PROGRAM: Final = Path(__file__).with_name("confined.py")
_ALLOWED: Final = {"use_what_is_open"}
_NEEDS_LANDLOCK: Final = {"run_program": 1, "trace_parent": 1, "signal_parent": 6}
_SPECIAL: Final = {"burn_cpu", "fork", "trace_parent"}


def outcome(how: str, attempt: str) -> int:
    return subprocess.run([sys.executable, "-I", _PROGRAM, how, attempt], check=False, timeout=60).returncode


@pytest.mark.parametrize("attempt", sorted(ATTEMPTS.keys() - _SPECIAL - _ALLOWED))
def test_a_confined_process_is_refused_what_a_free_one_can_do(attempt: str) -> None:
    if landlock_abi() < _NEEDS_LANDLOCK.get(attempt, 0):
        pytest.skip("this kernel's Landlock does not cover it")
    assert (outcome("free", attempt), outcome("confined", attempt)) == (0, REFUSED)


def test_a_confined_process_cannot_trace_another() -> None:
    if not landlock_abi():
        pytest.skip("this kernel has no Landlock")
    assert outcome("confined", "trace_parent") == REFUSED


def test_a_confined_process_makes_no_child_unless_it_is_root() -> None:
    assert outcome("confined", "fork") == (REFUSED if os.getuid() else 0)


def test_a_confined_process_goes_on_using_what_is_open() -> None:
    assert outcome("confined", "use_what_is_open") == 0


def test_a_confined_process_is_ended_at_its_cpu_limit() -> None:
    assert outcome("confined", "burn_cpu") == -signal.SIGXCPU


def test_protections_are_told_as_json() -> None:
    command = [sys.executable, "-I", "-m", "consumer.media.sandbox"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert told == dict.fromkeys(Protections.__dataclass_fields__, True) | {"landlock": landlock_abi() > 0}
