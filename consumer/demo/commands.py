"""Commands of steno as processes of the demo, with an environment that names the embedded services only."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from consumer.children.lifeline import die_with_parent
from consumer.core.failures import ExitCode, FatalError

_STENO: Final = (sys.executable, "-m", "consumer")
_OURS: Final = ("STENO_", "AWS_", "OTEL_")
_READY_S: Final = 120.0
_POLL_S: Final = 0.1
_STOP_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Commands:
    """Starts commands that all see the same services."""

    services: Mapping[str, str]
    """Variables that name the embedded services."""
    folder: Path
    """Where they run; empty, so that no `.env` file is found there."""

    async def submit(self, files: Sequence[Path], *, timeout_s: float) -> list[str]:
        """Runs `steno submit --wait --json`, its progress on our standard error; returns its lines.

        Raises:
            FatalError: it ended before it had a line for every file; it has said why.
        """
        arguments = ("submit", "--wait", "--json", "--timeout-s", str(timeout_s), "--", *map(str, files))
        process = await self._start(arguments, {}, stdout=asyncio.subprocess.PIPE, stderr=None)
        try:
            output, _ = await process.communicate()
        finally:
            await _stop(process)
        lines = output.decode().splitlines()
        if len(lines) != len(files):
            raise FatalError(ExitCode.FAILED, "the demo's jobs could not be followed to their end")
        return lines

    @contextlib.asynccontextmanager
    async def worker(self, variables: Mapping[str, str], log: Path) -> AsyncIterator[None]:
        """Runs `steno worker` until the context ends; entered, the worker is ready.

        Raises:
            FatalError: it ended or was not ready in time; the message is the worker's own last one.
        """
        port = _free_port()
        with log.open("wb") as stderr:
            own = {**variables, "STENO_HEALTH__HOST": "127.0.0.1", "STENO_HEALTH__PORT": str(port)}
            process = await self._start(("worker",), own, stdout=asyncio.subprocess.DEVNULL, stderr=stderr.fileno())
            try:
                await _ready(process, f"http://127.0.0.1:{port}/readyz", log)
                yield
            finally:
                await _stop(process)

    async def _start(
        self, arguments: Sequence[str], variables: Mapping[str, str], *, stdout: int, stderr: int | None
    ) -> asyncio.subprocess.Process:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return await asyncio.create_subprocess_exec(
            *_STENO, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=self.folder,
            env={**inherited, **self.services, **variables}, start_new_session=True,
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )  # fmt: skip


async def _ready(process: asyncio.subprocess.Process, url: str, log: Path) -> None:
    try:
        async with asyncio.timeout(_READY_S), aiohttp.ClientSession() as session:
            while not await _answers(session, url):
                if process.returncode is not None:
                    raise FatalError(_exit_code(process.returncode), _last_words(log))
                await asyncio.sleep(_POLL_S)
    except TimeoutError as exc:
        raise FatalError(ExitCode.UNAVAILABLE, f"the worker was not ready within {_READY_S:.0f} s; see {log}") from exc


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.ok
    except aiohttp.ClientError:
        return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Asks the process to end, and makes it end."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _exit_code(status: int) -> ExitCode:
    return ExitCode(status) if status in set(ExitCode) and status else ExitCode.INTERNAL


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = [line.removeprefix("steno: ") for line in lines if line.startswith("steno: ")]
    return "\n".join(said) if said else f"the worker ended at its start; see {log}"
