"""What /proc tells about processes, and waiting for it to tell something else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_DEADLINE_S: Final = 30.0
_PAUSE_S: Final = 0.01


def children_of(pid: int) -> list[int]:
    """Ids of the children that a single-threaded process has now."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than an entry that waits to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def descriptors_of(pid: int) -> dict[int, str]:
    """Open descriptors and what each one is."""
    open_now = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists a process's own
            open_now[int(entry.name)] = str(entry.readlink())
    return open_now


def environment_of(pid: int) -> bytes:
    """The environment that the process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes()


def limits_of(pid: int) -> dict[str, str]:
    """Soft limits by name."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[0] for line in lines}


def status_of(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    fields = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: value.strip() for name, _, value in fields}


async def until(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds.

    Raises:
        TimeoutError: it does not within half a minute.
    """
    deadline = time.monotonic() + _DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition never held")
        await asyncio.sleep(_PAUSE_S)
