"""What the children of a process ask of the kernel, by strace."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.waiting import until

_CALLS: Final = "%file,socket,connect,bind,listen,accept,accept4"
_CALL: Final = re.compile(r"[a-z]\w+\(")
_REFUSED: Final = ") = -1 "
_OPEN_ALREADY: Final = '"", '
"""An empty path asks about a descriptor that is open."""


class RefusedError(Exception):
    """Nothing can be traced here: no strace, or the kernel forbids it, as in many containers."""


@dataclass(slots=True)
class Trace:
    """What was asked; complete once tracing has ended."""

    granted: list[str] = field(default_factory=list)
    """Calls that name a file or an address or make a socket, with their results."""
    refused: list[str] = field(default_factory=list)
    """Likewise, such as failed."""


@contextlib.asynccontextmanager
async def traced(pid: int, folder: Path) -> AsyncIterator[Trace]:
    """Traces the children that a process forks from now on, not the process itself.

    Raises:
        RefusedError: it cannot be done.
    """
    log, trace = folder / "trace", Trace()
    strace = await _start(pid, log)
    try:
        await until(lambda: strace.returncode is not None or _tracer_of(pid) == strace.pid, "strace")
        if strace.returncode is not None:
            raise RefusedError("strace may not trace here")
        yield trace
    finally:
        with contextlib.suppress(ProcessLookupError):
            strace.send_signal(signal.SIGINT)
        await asyncio.wait_for(strace.wait(), 30)
        _read(log, pid, trace)


async def _start(pid: int, log: Path) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            "strace", "-ff", "-qq", "-e", f"trace={_CALLS}", "-e", "signal=none", "-o", log, "-p", str(pid),
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise RefusedError("strace is not installed") from exc


def _tracer_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("TracerPid:")[2].split()[0])


def _read(log: Path, parent: int, trace: Trace) -> None:
    for path in log.parent.glob(f"{log.name}.*"):  # one for each thread
        if path.suffix != f".{parent}":
            for line in path.read_text(errors="replace").splitlines():
                if _CALL.match(line) and _OPEN_ALREADY not in line:
                    (trace.refused if _REFUSED in line else trace.granted).append(line)
