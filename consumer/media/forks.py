"""The parent's handle on the fork server: start it, have it fork decoders, end them, learn how they ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Self

from consumer.children.channel import ChannelClosedError, Message
from consumer.children.ending import Tail, describe_end
from consumer.children.process import Child, spawn
from consumer.media.limits import DecodeLimits
from consumer.ports import SAMPLE_RATE_HZ

_MODULE: Final = "consumer.media.forkserver"
_START_S: Final = 60.0
_END_S: Final = 5.0
_OBEY_S: Final = 10.0
"""An order takes milliseconds, on a busy machine a second. A server that takes so long stands still."""

ExitStatus = asyncio.Future[int]
"""Exit status of a decoder, negative for a signal; ServerLostError when the server went down and took it along."""


class ServerLostError(Exception):
    """The fork server is gone or stands still, and every decoder with it."""


class ForkServer:
    """A running fork server. Close it after use."""

    def __init__(self, child: Child, tail: Tail, protections: Mapping[str, bool]) -> None:
        self.protections: Final = protections
        """Which of the sandbox's protections hold for its decoders, as a child of its own tried."""
        self._child = child
        self._tail = tail
        self._jobs: dict[int, ForkedDecoder] = {}
        self._last_job = 0
        self._leaving: set[asyncio.Task[None]] = set()
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> Self:
        """Starts a server; its environment is empty.

        Raises:
            ServerLostError: it does not come up; the message says why.
        """
        try:
            child = await spawn(_MODULE, environment={}, stderr=asyncio.subprocess.PIPE)
        except OSError as exc:
            raise ServerLostError(f"its process cannot be started: {exc}") from exc
        tail = Tail(child)
        try:
            async with asyncio.timeout(_START_S):
                ready = await child.channel.receive()
        except ChannelClosedError as exc:
            raise ServerLostError(await _how_it_ended(child, tail)) from exc
        except TimeoutError as exc:
            await child.kill()
            raise ServerLostError(f"its process does not come up within {_START_S:g} s") from exc
        except BaseException:
            await child.kill()
            raise
        return cls(child, tail, ready.get("protections", {}))

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
    ) -> AsyncIterator[ForkedDecoder]:
        """Forks a decoder, which holds duplicates of media, reply socket and outputs; it is dead on leaving.

        Leave it once the decoder has answered: it is given a moment to end by itself. One that was let go gets that
        moment after leaving.

        Raises:
            ServerLostError: the server is gone, or stood still and was ended; whatever the body raised, nobody
                knows then whether the file is to blame. A cancellation passes on.
        """
        number, job = self._enlist()
        try:
            order = {"decode": number, "limits": asdict(limits), "layout": layout, "sample_rate_hz": SAMPLE_RATE_HZ}
            await self._order(order, job.forked, descriptors)
            yield job
            if not job.is_let_go:
                await asyncio.wait([job.exited], timeout=_OBEY_S)
        except asyncio.CancelledError:
            with contextlib.suppress(ServerLostError):
                await self._end(number, job)
            raise
        except Exception:
            await self._end(number, job)
            raise
        if job.is_let_go:
            self._see_out(number, job)
        else:
            await self._end(number, job)

    async def close(self) -> None:
        """Ends the server and its decoders; never raises."""
        self._child.channel.close()
        with contextlib.suppress(TimeoutError):  # at end-of-file it ends its decoders, then itself
            async with asyncio.timeout(_END_S):
                await self._child.process.wait()
        with contextlib.suppress(TimeoutError):
            await self._child.kill()
        await self._tail.text()
        self._listener.cancel()
        await asyncio.wait([self._listener])

    def _enlist(self) -> tuple[int, ForkedDecoder]:
        self._last_job += 1
        job = self._jobs[self._last_job] = ForkedDecoder()
        return self._last_job, job

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._child.channel.receive()
                job = self._jobs[message["job"]]
                job.take(message)
                if job.exited.done():
                    del self._jobs[message["job"]]
        except ChannelClosedError:
            return
        finally:
            for job in self._jobs.values():
                job.lose()
            self._jobs.clear()

    def _see_out(self, number: int, job: ForkedDecoder) -> None:
        """Lets a decoder end by itself, and ends it where it does not; nobody waits."""

        async def see_out() -> None:
            await asyncio.wait([job.exited], timeout=_OBEY_S)
            with contextlib.suppress(ServerLostError):
                await self._end(number, job)

        task = asyncio.create_task(see_out())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _end(self, number: int, job: ForkedDecoder) -> None:
        """Kills a decoder that still runs."""
        if not job.exited.done():
            await self._order({"kill": number}, job.exited)
        job.exited.result()

    async def _order(
        self, message: dict[str, object], done: asyncio.Future[Any], descriptors: Sequence[int] = ()
    ) -> None:
        """Returns when the order was carried out; a server that does not obey goes down itself."""
        try:
            async with asyncio.timeout(_OBEY_S):
                await self._child.channel.send(message, descriptors)
                await asyncio.wait([done])
        except ChannelClosedError as exc:
            await self.close()
            raise ServerLostError("the fork server is gone") from exc
        except TimeoutError:
            self._child.send_kill()
            await self.close()
            raise ServerLostError("the fork server stands still") from None
        done.result()


async def _how_it_ended(child: Child, tail: Tail) -> str:
    with contextlib.suppress(TimeoutError):  # one that ends by itself keeps its exit code
        async with asyncio.timeout(_END_S):
            await child.process.wait()
    return describe_end("its process", await child.kill(), await tail.text())


class ForkedDecoder:
    """One decoder, as the server tells of it."""

    def __init__(self) -> None:
        """Belongs to the loop that runs."""
        loop = asyncio.get_running_loop()
        self.is_let_go = False
        """Whether it can do no harm any more, so that nobody needs to wait for its end."""
        self.forked: asyncio.Future[None] = loop.create_future()
        self.exited: ExitStatus = loop.create_future()

    def take(self, message: Message) -> None:
        """Takes what the server says."""
        if "exit" in message:
            self.exited.set_result(message["exit"])
        else:
            self.forked.set_result(None)

    def lose(self) -> None:
        """Takes it that the server is gone."""
        for end in (self.forked, self.exited):
            if not end.done():
                end.set_exception(ServerLostError("the fork server went down with its decoders"))
                end.exception()  # not everybody asks, which asyncio would complain about
