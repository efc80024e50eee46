"""How a child process ended: by what, and its last words."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

from consumer.children.process import Child

_TAIL_BYTES: Final = 4096
_LAST_LINE_CHARS: Final = 300
_SIGNALS: Final = {number.value: number.name for number in signal.Signals}


class Tail:
    """The last of what a child wrote to its standard error, drained as it comes."""

    def __init__(self, child: Child) -> None:
        """Starts to read."""
        self._bytes = bytearray()
        self._task = asyncio.create_task(self._drain(child))

    async def text(self, *, timeout_s: float = 1.0) -> str:
        """What there is, after the end of the child or the timeout."""
        await asyncio.wait((self._task,), timeout=timeout_s)
        self._task.cancel()
        return self._bytes.decode(errors="replace").strip()

    async def _drain(self, child: Child) -> None:
        stream = child.process.stderr
        while stream is not None and (chunk := await stream.read(_TAIL_BYTES)):
            self._bytes += chunk
            del self._bytes[:-_TAIL_BYTES]


def describe_end(who: str, status: int, stderr: str) -> str:
    """A clause on how it ended, with the last line it wrote; a negative status is a signal's number."""
    how = f"was ended by {signal_name(-status)}" if status < 0 else f"ended with exit code {status}"
    last = f": {stderr.splitlines()[-1][:_LAST_LINE_CHARS]}" if stderr else ""
    return f"{who} {how}{last}"


def signal_name(number: int) -> str:
    """As users know it; those for real time have a number only."""
    return _SIGNALS.get(number, f"signal {number}")
