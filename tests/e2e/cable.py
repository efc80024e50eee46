"""A TCP connection that can be cut: it stands between a worker and a service."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

_CHUNK_BYTES: Final = 65536
_REFUSAL: Final = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_SLOW_DOWN: Final = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_REFUSAL), _REFUSAL)
)


class Cable:
    """Forwards connections to a service until it is cut, and again once it is mended."""

    def __init__(self, target: str) -> None:
        """Takes the service's address, host:port."""
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._is_whole = True
        self._is_throttling = False
        self._breaks: list[int] = []
        self._holds = False
        self._released = asyncio.Event()
        self._released.set()
        self.broken = asyncio.Event()
        """Set at the first break that was asked for."""
        self._lines: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where to connect, host:port."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        """Starts to listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def breaks_left(self) -> int:
        """How many of the breaks asked for are still to come."""
        return len(self._breaks)

    def cut(self) -> None:
        """Breaks every connection and refuses new ones."""
        self._is_whole = False
        self._abort()

    def throttle(self) -> None:
        """Breaks every connection; says SlowDown to each new request, as a store with too much to do does."""
        self._is_throttling = True
        self._abort()

    def mend(self) -> None:
        """Lets connections through again."""
        self._is_whole, self._is_throttling = True, False
        self._released.set()

    def break_after(self, *sizes: int) -> None:
        """Breaks every connection once so many bytes came from the service, again after so many more, and so on."""
        self._breaks += sizes

    def hold_after(self, size: int) -> None:
        """Breaks once so, and lets new connections wait until it is mended."""
        self._breaks, self._holds = [size], True

    async def close(self) -> None:
        """Ends every connection and stops to listen."""
        self.cut()
        self._released.set()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._released.wait()
        if not self._is_whole:
            writer.transport.abort()
            return
        if self._is_throttling:
            await _refuse(reader, writer)
            return
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        both = {writer, there_writer}
        self._lines |= both
        try:
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer, self._count))
        finally:
            self._lines -= both
            for line in both:
                line.transport.abort()

    def _count(self, size_bytes: int) -> None:
        if self._breaks:
            self._breaks[0] -= size_bytes
            if self._breaks[0] <= 0:
                del self._breaks[0]
                self.broken.set()
                if self._holds:
                    self._released.clear()
                self._abort()

    def _abort(self) -> None:
        for line in self._lines:
            line.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None] = lambda _: None
) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
            count(len(chunk))
    writer.transport.abort()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"(?i)content-length: *(\d+)", head)
        await reader.readexactly(int(size[1]) if size else 0)
        writer.write(_SLOW_DOWN)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def cable_to(url: str) -> AsyncIterator[Cable]:
    """A cable to the service at an HTTP address, closed at the end."""
    cable = Cable(urlsplit(url).netloc)
    await cable.open()
    try:
        yield cable
    finally:
        await cable.close()
