"""A decoder that is given hostile files, what came of it, and what it asked the kernel for.

strace tells of every call. Where it is missing or forbidden the kernel itself ends a decoder that asks for a file or a
socket; so either way none asks unseen.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest

from consumer.children.process import Child, spawn
from consumer.core.failures import JobError
from consumer.media import forks
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from contracts.requests import Channels
from tests.hostile import Case
from tests.processes import children_of
from tests.traces import RefusedError, Trace, traced
from tests.trapped_forkserver import WATCHED
from tests.watch import can_watch

_TRAPPED: Final = {True: "tests.trapped_forkserver", False: "tests.unlocked_forkserver"}
"""With Landlock and without."""
_OWN_SIZE: Final = '"/proc/self/statm"'
"""What every decoder opens, once, just before it gives up its rights."""
ASKED: Final = "crashed with SIGSYS"
"""How a decoder ends that asks while it is watched and not traced."""

PATIENT: Final = DecodeLimits(max_duration_s=4 * 3600, timeout_s=60, memory_bytes=512 * 1024**2)
IMPATIENT: Final = DecodeLimits(max_duration_s=4 * 3600, timeout_s=2, memory_bytes=512 * 1024**2)
"""For files on which the decoder hangs."""
DECODED: Final = "decoded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one file ended."""

    code: str
    """`DECODED`, or that of the error."""
    message: str
    seconds: float


@dataclass(slots=True)
class Ordeal:
    """A decoder with traps."""

    decoder: ProcessDecoder
    trace: Trace | None
    """Complete at the end; None where nothing can be traced."""
    is_watched: bool = False
    """Whether decoders end when they ask, instead."""
    outcomes: list[Outcome] = field(default_factory=list)

    async def face(self, content: bytes, channels: Channels = Channels.MIX) -> Outcome:
        """Decodes one file."""
        outcome = await self._face(content, channels)
        self.outcomes.append(outcome)
        return outcome

    async def _face(self, content: bytes, channels: Channels) -> Outcome:
        with tempfile.TemporaryFile() as file:
            file.write(content)
            started_s = time.perf_counter()
            try:
                recording = await self.decoder.decode(file, channels)
            except JobError as error:
                return Outcome(error.code, error.message, time.perf_counter() - started_s)
            with recording:
                return Outcome(DECODED, "", time.perf_counter() - started_s)

    @property
    def server_pid(self) -> int:
        """The fork server's id, which changes when it was lost."""
        return self.decoder._server.pid if self.decoder._server else 0

    @property
    def decoders(self) -> list[int]:
        """Decoders that are alive."""
        return children_of(self.server_pid)

    @property
    def witnessed_decoders(self) -> int:
        """How many could not ask for anything unseen."""
        if self.trace is not None:
            return sum(_OWN_SIZE in call for call in self.trace.granted)
        return len(self.outcomes) if self.is_watched else 0

    @property
    def granted(self) -> list[str]:
        """Every file, address and socket that decoders got from the kernel."""
        return [] if self.trace is None else [call for call in self.trace.granted if _OWN_SIZE not in call]

    @property
    def refused(self) -> list[str]:
        """Such as they asked for in vain; where nothing is traced, how those ended that asked."""
        if self.trace is not None:
            return self.trace.refused
        return [outcome.message for outcome in self.outcomes if ASKED in outcome.message]

    def require_witness(self) -> None:
        """Skips the test on a laptop, and fails it in CI, where decoders could ask for anything unseen."""
        if self.trace is None and not self.is_watched:
            why = "neither strace nor a filter of system calls is to be had: what decoders ask for is not known"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@contextlib.asynccontextmanager
async def ordeal(limits: DecodeLimits, *, has_landlock: bool) -> AsyncIterator[Ordeal]:
    """Opens a decoder, traced where that can be and watched where not."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(mock.patch.object(forks, "_MODULE", _TRAPPED[has_landlock]))
        try:
            async with contextlib.AsyncExitStack() as attempt:
                opened = await _traced_ordeal(limits, attempt)
                stack.push_async_exit(attempt.pop_all())
        except RefusedError:
            opened = await _watched_ordeal(limits, stack)
        yield opened


async def _traced_ordeal(limits: DecodeLimits, stack: contextlib.AsyncExitStack) -> Ordeal:
    decoder = await stack.enter_async_context(ProcessDecoder(limits))
    opened = Ordeal(decoder, None)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    opened.trace = await stack.enter_async_context(traced(opened.server_pid, Path(folder)))
    return opened


async def _watched_ordeal(limits: DecodeLimits, stack: contextlib.AsyncExitStack) -> Ordeal:
    stack.enter_context(mock.patch.object(forks, "spawn", _spawn_watched if can_watch() else spawn))
    return Ordeal(await stack.enter_async_context(ProcessDecoder(limits)), None, is_watched=can_watch())


async def _spawn_watched(module: str, **named: Any) -> Child:
    return await spawn(module, **{**named, "environment": {WATCHED: ""}})


async def face_all(given: Iterable[Case], opened: Ordeal) -> list[tuple[Case, Outcome]]:
    """Decodes files one after another."""
    return [(case, await opened.face(case.content, case.channels)) for case in given]
