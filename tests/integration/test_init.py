"""What process 1 does for the command in a container, tried with a parent that adopts orphans as process 1 does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers run Linux")

ADOPT: str = """
import ctypes, os, signal, sys, time
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
from consumer.init import leave_to_child
leave_to_child()
"""


@contextlib.asynccontextmanager
async def running(work: str, stderr: int | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """The stand-in for process 1, with this program as its child, which has printed a line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{ADOPT}\n{work}",
        stdout=asyncio.subprocess.PIPE, stderr=stderr, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(10):
        return (await process.stdout.readline()).decode().strip()


async def status_of(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(10):
        return await process.wait()


@pytest.mark.parametrize(
    ("end", "status"), [("sys.exit(7)", 7), ("os._exit(0)", 0), ("os.kill(os.getpid(), signal.SIGKILL)", 137)]
)
async def test_it_ends_as_the_command_ends(end: str, status: int) -> None:
    async with running(end) as process:
        assert await status_of(process) == status


async def test_that_the_command_was_killed_is_told() -> None:
    async with running("os.kill(os.getpid(), signal.SIGKILL)", stderr=asyncio.subprocess.PIPE) as process:
        assert (await process.communicate())[1] == b"steno: ended by SIGKILL; see whether memory ran out\n"


async def test_an_end_that_was_asked_for_is_not_told() -> None:
    async with running("print('up', flush=True); time.sleep(60)", stderr=asyncio.subprocess.PIPE) as process:
        await line_of(process)
        process.send_signal(signal.SIGTERM)
        assert (await process.communicate())[1] == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
async def test_a_command_without_a_handler_ends_at_the_signal(number: signal.Signals) -> None:
    async with running("print('up', flush=True); time.sleep(60)") as process:
        await line_of(process)
        process.send_signal(number)
        assert await status_of(process) == 128 + number


async def test_a_command_with_a_handler_gets_the_signal_once() -> None:
    work = """
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print('up', flush=True)
while not seen:
    time.sleep(0.01)
time.sleep(0.2)
sys.exit(40 + len(seen))
"""
    async with running(work) as process:
        await line_of(process)
        process.send_signal(signal.SIGINT)
        assert await status_of(process) == 41


async def test_orphans_are_reaped_and_children_left_to_the_command() -> None:
    work = """
import subprocess
middle = subprocess.run(
    [sys.executable, '-c', "import subprocess; print(subprocess.Popen(['sleep', '0.1']).pid)"],
    stdout=subprocess.PIPE, check=True)
print(middle.stdout.decode().strip(), flush=True)
time.sleep(60)
"""
    async with running(work) as process:
        orphan = Path("/proc") / await line_of(process)
        await until(lambda: not orphan.exists(), "the orphan is gone from the table of processes")
        assert process.returncode is None
