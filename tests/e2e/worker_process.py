"""One real worker as a process: its log lines, its children, its end."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.processes import descendants_of

_STOP_S: Final = 60.0


@dataclass
class WorkerProcess:
    """One `steno worker`, run as an operator would."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log so far; a line that is not whole yet is left out."""
        whole = self.log_path.read_bytes().rpartition(b"\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith(b"{")]

    def events(self, action: str) -> list[dict[str, Any]]:
        """Its log lines with that action."""
        return [line for line in self.lines if line["event"] == action]

    @property
    def descendants(self) -> set[int]:
        """Ids of all processes below it that are alive."""
        return descendants_of(self.process.pid)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the worker itself, not to its children."""
        self.process.send_signal(number)

    async def ended(self, *, within_s: float = _STOP_S) -> int:
        """Waits for its exit code."""
        return await asyncio.to_thread(self.process.wait, within_s)
