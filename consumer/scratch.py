"""Local disk for media in flight: files without a name, what they hold together, and whether there is room for more.

Who is to make a file waits for room, and so does intake, which leaves the job to others; who has a file goes on. What
is held may exceed the limit by the last file, and by files whose size nobody said beforehand. While nothing is held
nobody waits whatever the disk looks like: it would change nothing, and a file that does not fit says so itself.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import structlog

from consumer.core.disk import advice_on, disk_error
from consumer.core.failures import ExitCode, FatalError

_BLOCK: Final = bytes(2**20)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ScratchConfig:
    """Where files are, and when there are enough of them."""

    folder: Path
    max_bytes: int = 0
    """Bytes in open files above which intake waits; 0: no limit."""
    min_free_bytes: int = 0
    """Free bytes of the disk below which intake waits; 0: no limit."""
    look_every_s: float = 5.0
    """How long at most whoever waits goes without looking at the disk again, in seconds."""


class Scratch:
    """Makes files that are private to this process and gone with it, even after SIGKILL."""

    def __init__(self, config: ScratchConfig, free_bytes: Callable[[Path], int] | None = None) -> None:
        """Makes no file yet; `free_bytes` tells how much more the disk of a folder can hold."""
        self._config = config
        self._free_bytes = free_bytes or _free_bytes
        self._open: dict[IO[bytes], int] = {}
        """What each one is expected to grow to."""
        self._freed = asyncio.Event()
        self._holds = True

    @contextmanager
    def file(self, expected_bytes: int | None = None) -> Iterator[IO[bytes]]:
        """An empty file, closed at the end; counted as what it is expected to become from the start.

        Raises:
            OutageError: `SCRATCH_FULL`.
        """
        with self._make() as media:
            self._open[media] = expected_bytes or 0
            try:
                yield media
            finally:  # however it ended: those who wait are told by nobody else
                del self._open[media]
                self._freed.set()

    @property
    def held_bytes(self) -> int:
        """Bytes in the open files."""
        return sum(max(os.fstat(media.fileno()).st_size, expected) for media, expected in self._open.items())

    @property
    def lack(self) -> str | None:
        """Why whoever wants to make a file has to wait; None while there is room."""
        return self._lack() if self._open else None

    async def wait_for_room(self) -> None:
        """Returns at once while there is room, else when enough is free again. May be cancelled."""
        is_told = False
        while self._holds and (reason := self.lack):
            if not is_told:
                log.info("waiting_for_scratch", reason=reason, files=len(self._open))
                is_told = True
            self._freed.clear()
            with suppress(TimeoutError):  # others who share the disk tell nobody what they free
                async with asyncio.timeout(self._config.look_every_s):
                    await self._freed.wait()

    def hold_nobody(self) -> None:
        """Ends all waits for good: whoever drains begins nothing."""
        self._holds = False
        self._freed.set()

    def _lack(self) -> str | None:
        limits = self._config
        if 0 < limits.max_bytes < (held := self.held_bytes):
            return f"{held} bytes of media in flight (STENO_SCRATCH__MAX_BYTES)"
        try:
            if limits.min_free_bytes and (free := self._free_bytes(limits.folder)) < limits.min_free_bytes:
                return f"{free} bytes free in {limits.folder} (STENO_SCRATCH__MIN_FREE_BYTES)"
        except OSError as exc:  # who makes a file there hears of it as an outage; intake must not end by it
            return f"{limits.folder} cannot be looked at: {exc.strerror} (STENO_SCRATCH__DIR)"
        return None

    def _make(self) -> IO[bytes]:
        try:
            return tempfile.TemporaryFile(dir=self._config.folder)
        except OSError as exc:
            raise disk_error(exc, f"no file can be made in {self._config.folder}") from exc


def require_scratch(config: ScratchConfig) -> str | None:
    """Puts a megabyte in the folder and takes it away; blocks.

    Returns:
        What is short and what to do, where the disk has less free than jobs wait for; else None.

    Raises:
        FatalError: `SCRATCH_UNUSABLE`.
    """
    try:
        with tempfile.TemporaryFile(dir=config.folder) as file:
            file.write(_BLOCK)
        free_bytes = _free_bytes(config.folder)
    except OSError as exc:
        text = f"no file can be put in {config.folder} (STENO_SCRATCH__DIR): {exc.strerror or exc}; {advice_on(exc)}"
        raise FatalError(ExitCode.SCRATCH_UNUSABLE, f"{text}, or name another folder") from exc
    if free_bytes >= config.min_free_bytes:
        return None
    return (
        f"{free_bytes} bytes are free in {config.folder}, fewer than STENO_SCRATCH__MIN_FREE_BYTES "
        f"({config.min_free_bytes}): one job is taken at a time until there are; make room, or lower it"
    )


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
