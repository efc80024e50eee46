"""What proxies of every protocol share: connections that are passed on, cut, and mended."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

_HEAD_BYTES: Final = 2**20


class Step(StrEnum):
    """Where in a call its connection is cut."""

    BEFORE = "before"
    """The service never sees the call."""
    AFTER = "after"
    """The service has done it, and its answer is lost."""


class Nth:
    """Picks every n-th call of those it is asked about, so often at most."""

    def __init__(self, every: int, *, at_most: int) -> None:
        """Has seen no call."""
        self._every = every
        self._at_most = at_most
        self._seen = 0
        self.picked = 0
        """Calls picked so far."""

    def __call__(self) -> bool:
        """Whether this call is one of them."""
        self._seen += 1
        is_picked = self._seen % self._every == 0 and self.picked < self._at_most
        self.picked += is_picked
        return is_picked


@dataclass(frozen=True)
class Line:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def abort(self) -> None:
        """Ends it at once, as a cut cable does."""
        self.writer.transport.abort()


class CutError(Exception):
    """A rule asked for this connection's end."""


class Relay(ABC):
    """Passes connections on to a service, on a port of its own."""

    def __init__(self, target: str, port: int = 0) -> None:
        """Takes the service's address, host:port, and the port to listen on; 0 takes a free one."""
        self._host, _, target_port = target.rpartition(":")
        self._target_port = int(target_port)
        self._port = port
        self._is_whole = True
        self._lines: set[Line] = set()
        self._conversations: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Starts to listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=_HEAD_BYTES)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends every connection and stops to listen."""
        self.cut()
        assert self._server is not None
        self._server.close()
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    @property
    def address(self) -> str:
        """Where to connect, host:port."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Breaks every connection and each new one."""
        self._is_whole = False
        for line in self._lines:
            line.abort()

    def mend(self) -> None:
        """Lets connections through again."""
        self._is_whole = True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Line(reader, writer)))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _serve(self, client: Line) -> None:
        lines = {client}
        try:
            if not self._is_whole:
                return
            with contextlib.suppress(OSError, EOFError, CutError):
                service = Line(*await asyncio.open_connection(self._host, self._target_port, limit=_HEAD_BYTES))
                lines.add(service)
                self._lines |= lines
                await self._relay(client, service)
        finally:
            self._lines -= lines
            for line in lines:
                line.abort()

    @abstractmethod
    async def _relay(self, client: Line, service: Line) -> None:
        """Passes on until one side ends.

        Raises:
            CutError: a rule asks for the end.
        """


async def first_to_end(*pumps: Coroutine[Any, Any, None]) -> None:
    """Runs pumps side by side until one ends, with its error if it had one; then none runs any more."""
    tasks = [asyncio.create_task(pump) for pump in pumps]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [each for each in results if isinstance(each, Exception)]
    if done and errors:
        raise errors[0]
