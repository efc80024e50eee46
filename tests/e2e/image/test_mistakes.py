"""Mistakes and misfortunes that only a container has: what it prints, its exit code, and how it ends when asked to."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from consumer.core.failures import ExitCode
from tests.e2e.image.contained import Run, RunContainer

_PROMPTLY_S: Final = 5.0
"""Docker itself waits ten before it kills."""
_WAITING: Final = "import time; print('up', flush=True); time.sleep(600)"
_AS_STENO: Final = "from consumer.init import leave_to_child_if_first; leave_to_child_if_first();"
_ORPHANING: Final = f"""
{_AS_STENO}
import subprocess, sys
subprocess.run([sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '0.2'])"], check=True)
{_WAITING}
"""
_STATES: Final = "cat /proc/[0-9]*/stat | cut -d' ' -f3"


@dataclass(frozen=True)
class Mistake:
    """How a worker's container is started, and what becomes of it before it asks for broker and store."""

    name: str
    code: ExitCode
    says: str
    settings: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


MISTAKES: Final = (
    Mistake(
        "a scratch disk without space", ExitCode.SCRATCH_UNUSABLE,
        "no file can be put in /scratch (STENO_SCRATCH__DIR): No space left on device; free some space",
        options={"tmpfs": {"/scratch": "size=64k"}},
    ),
    Mistake(
        "a scratch folder of others", ExitCode.SCRATCH_UNUSABLE,
        "no file can be put in /root (STENO_SCRATCH__DIR): Permission denied; let the worker's user write there",
        {"STENO_SCRATCH__DIR": "/root"},
    ),
    Mistake(
        "no scratch disk at all", ExitCode.SCRATCH_UNUSABLE,
        "no file can be put in /scratch (STENO_SCRATCH__DIR): Read-only file system; it is mounted read-only",
        options={"read_only": True},
    ),
    Mistake(
        "a typing error", ExitCode.BAD_SETTINGS,
        "STENO_ENGINE__MODLE is not a setting; did you mean STENO_ENGINE__MODEL?",
        {"STENO_ENGINE__MODLE": "base"},
    ),
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_a_mistake_ends_the_container_with_a_line_and_its_code(mistake: Mistake, run: Run) -> None:
    container = run(environment=mistake.settings, **mistake.options)
    assert await container.ended() == mistake.code
    assert container.log.startswith(f"steno: {mistake.says}")
    assert container.log.count("\n") == 1


async def test_a_gpu_that_the_container_lacks_is_missed(run: Run) -> None:
    container = run("doctor", "--json", environment={"STENO_ENGINE__DEVICE": "cuda"})
    assert await container.ended() == ExitCode.FAILED
    (found,) = [line for line in _documents(container) if line["check"] == "device"]
    assert (found["level"], "device 'cuda' was asked for, and no CUDA device" in found["text"]) == ("failed", True)
    assert "docker run --gpus all" in found["advice"]


async def test_an_empty_models_volume_that_is_read_only_is_told(run: Run) -> None:
    settings = {"STENO_MODELS__OFFLINE": "true", "STENO_ENGINE__MODEL": "small"}
    container = run("doctor", "--json", environment=settings, read_only=True, tmpfs={"/scratch": ""})
    assert await container.ended() == ExitCode.FAILED
    found = {line["check"]: line for line in _documents(container)}
    assert "STENO_MODELS__OFFLINE forbids the hub" in found["model small"]["text"]
    assert "/models is not writable (Read-only file system)" in found["model folder"]["text"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_runs_below_process_1_ends_promptly_when_that_is_asked_to(number: signal.Signals, run: Run) -> None:
    container = run("-c", f"{_AS_STENO} {_WAITING}", entrypoint=["python"])
    await _is_up(container)
    container.signal(number.name)
    assert await container.ended(within_s=_PROMPTLY_S) == 128 + number


async def test_orphans_are_reaped(run: Run) -> None:
    container = run("-c", _ORPHANING, entrypoint=["python"])
    await _is_up(container)
    await container.until(lambda: "S" in _states(container) and "Z" not in _states(container), "no zombie")
    sleeping = container.execute("sh", "-c", "cat /proc/[0-9]*/comm").text.split()
    assert "sleep" not in sleeping


async def test_a_quota_of_the_container_sets_the_engines_threads(run: Run) -> None:
    container = run("config", "check", "--json", nano_cpus=500_000_000, mem_limit=2**30)
    assert await container.ended() == ExitCode.OK
    found = json.loads(container.log)
    assert (found["machine"]["cores"], found["machine"]["memory_bytes"]) == (1, 2**30)
    assert {(use["slots"], use["cpu_threads"]) for use in found["engine"]} == {(1, 1)}


@pytest.mark.parametrize("command", [["config", "check"], ["models", "list"], ["languages"]])
async def test_a_user_without_name_and_home_is_served(command: list[str], run: Run) -> None:
    container = run("-u", "HOME", "-u", "TMPDIR", "steno", *command, entrypoint=["env"], user="12345", read_only=True)
    assert await container.ended() == ExitCode.OK


def _documents(container: RunContainer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in container.log.splitlines()]


async def _is_up(container: RunContainer) -> None:
    await container.until(lambda: "up" in container.log, "the command")


def _states(container: RunContainer) -> list[str]:
    """One letter for each process, `Z` for a zombie."""
    return container.execute("sh", "-c", _STATES).text.split()
