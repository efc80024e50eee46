"""The wish to end a worker."""

from __future__ import annotations

import asyncio


class Shutdown:
    """The wish to end: first gently, at the second time in a hurry."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.drain = asyncio.Event()
        self.hurry = asyncio.Event()

    def request(self) -> None:
        """Asks to drain; asked again, to hurry."""
        if self.drain.is_set():
            self.hurry.set()
        self.drain.set()
