"""A decoder that is given hostile files, and what came of it."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest import mock

from consumer.core.failures import JobError
from consumer.media import forks
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from contracts.requests import Channels
from tests.hostile import Case
from tests.processes import children_of
from tests.traces import RefusedError, Trace, traced

_TRAPPED: Final = {True: "tests.trapped_forkserver", False: "tests.unlocked_forkserver"}
"""With Landlock and without."""
_OWN_SIZE: Final = '"/proc/self/statm"'
"""What every decoder opens, once, just before it gives up its rights."""

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
    """None where nothing can be traced; complete at the end."""

    async def face(self, content: bytes, channels: Channels = Channels.MIX) -> Outcome:
        """Decodes one file."""
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
    def traced_decoders(self) -> int:
        """How many there were to watch."""
        return 0 if self.trace is None else sum(_OWN_SIZE in call for call in self.trace.granted)

    @property
    def granted(self) -> list[str]:
        """Every file, address and socket that decoders got from the kernel."""
        return [] if self.trace is None else [call for call in self.trace.granted if _OWN_SIZE not in call]

    @property
    def refused(self) -> list[str]:
        """Such as they asked for in vain."""
        return [] if self.trace is None else self.trace.refused


@contextlib.asynccontextmanager
async def ordeal(limits: DecodeLimits, *, has_landlock: bool) -> AsyncIterator[Ordeal]:
    """Opens a decoder, traced where that can be."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(mock.patch.object(forks, "_MODULE", _TRAPPED[has_landlock]))
        decoder = await stack.enter_async_context(ProcessDecoder(limits))
        opened = Ordeal(decoder, None)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with contextlib.suppress(RefusedError):
            opened.trace = await stack.enter_async_context(traced(opened.server_pid, Path(folder)))
        yield opened


async def face_all(given: Iterable[Case], opened: Ordeal) -> list[tuple[Case, Outcome]]:
    """Decodes files one after another."""
    return [(case, await opened.face(case.content, case.channels)) for case in given]
