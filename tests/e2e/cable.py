"""A TCP connection that can be cut: it stands between a worker and a service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

_CHUNK_BYTES: Final = 65536


class Cable:
    """Forwards connections to a service until it is cut, and again once it is mended."""

    def __init__(self, target: str) -> None:
        """Takes the service's address, host:port."""
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._is_whole = True
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

    def cut(self) -> None:
        """Breaks every connection and refuses new ones."""
        self._is_whole = False
        for line in self._lines:
            line.transport.abort()

    def mend(self) -> None:
        """Lets connections through again."""
        self._is_whole = True

    async def close(self) -> None:
        """Ends every connection and stops to listen."""
        self.cut()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_whole:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        both = {writer, there_writer}
        self._lines |= both
        try:
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
        finally:
            self._lines -= both
            for line in both:
                line.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def cable_to(url: str) -> AsyncIterator[Cable]:
    """A cable to the service at an HTTP address, closed at the end."""
    cable = Cable(urlsplit(url).netloc)
    await cable.open()
    try:
        yield cable
    finally:
        await cable.close()
