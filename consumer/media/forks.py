"""The parent's handle on the fork server: start it, have it fork decoders, end them, learn how they ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Final, Self

from consumer.children.channel import ChannelClosedError
from consumer.children.process import Child, spawn
from consumer.media.limits import DecodeLimits
from consumer.ports import SAMPLE_RATE_HZ

_MODULE: Final = "consumer.media.forkserver"
_START_S: Final = 60.0
_END_S: Final = 5.0

ExitStatus = asyncio.Future[int | None]
"""Exit status of a decoder, negative for a signal; None when the server went down and took it along."""


class ServerLostError(Exception):
    """The fork server is gone, and every decoder with it."""


class ForkServer:
    """A running fork server. Close it after use."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._exits: dict[int, ExitStatus] = {}
        self._last_job = 0
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> Self:
        """Starts a server; its environment is empty.

        Raises:
            ServerLostError: it does not come up.
        """
        child = await spawn(_MODULE, environment={})
        try:
            await asyncio.wait_for(child.channel.receive(), _START_S)
        except (ChannelClosedError, TimeoutError) as exc:
            await child.kill()
            raise ServerLostError("the fork server does not come up") from exc
        except BaseException:
            await child.kill()
            raise
        return cls(child)

    @property
    def is_alive(self) -> bool:
        """Whether it can fork; False as soon as its channel is closed."""
        return not self._listener.done()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.process.pid

    @contextlib.asynccontextmanager
    async def decoding(
        self, limits: DecodeLimits, layout: str | None, descriptors: Sequence[int]
    ) -> AsyncIterator[ExitStatus]:
        """Forks a decoder, which holds duplicates of media, reply socket and outputs; it is dead on leaving.

        Raises:
            ServerLostError: the server is gone.
        """
        self._last_job += 1
        job = self._last_job
        exited: ExitStatus = asyncio.get_running_loop().create_future()
        self._exits[job] = exited
        try:
            order = {"decode": job, "limits": asdict(limits), "layout": layout, "sample_rate_hz": SAMPLE_RATE_HZ}
            await self._send(order, descriptors)
            yield exited
        finally:
            await self._end(job, exited)

    async def close(self) -> None:
        """Ends the server and its decoders; never raises."""
        self._child.channel.close()
        with contextlib.suppress(TimeoutError):  # at end-of-file it ends its decoders, then itself
            await asyncio.wait_for(self._child.process.wait(), _END_S)
        with contextlib.suppress(TimeoutError):
            await self._child.kill()
        self._listener.cancel()
        await asyncio.wait([self._listener])

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._child.channel.receive()
                exited = self._exits.pop(message["job"], None)
                if exited and not exited.done():
                    exited.set_result(message["exit"])
        except ChannelClosedError:
            return
        finally:
            for exited in self._exits.values():
                if not exited.done():
                    exited.set_result(None)
            self._exits.clear()

    async def _send(self, message: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        if not self.is_alive:
            raise ServerLostError("the fork server is gone")
        try:
            await self._child.channel.send(message, descriptors)
        except ChannelClosedError as exc:
            raise ServerLostError("the fork server is gone") from exc

    async def _end(self, job: int, exited: ExitStatus) -> None:
        """Kills a decoder that still runs. A server that does not obey goes down itself."""
        if exited.done():
            return
        try:
            await self._send({"kill": job})
            await asyncio.wait_for(asyncio.shield(exited), _END_S)
        except ServerLostError:
            self._exits.pop(job, None)
        except TimeoutError:
            self._child.process.kill()
