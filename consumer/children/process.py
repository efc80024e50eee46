"""The parent's side of a child process: start it with given descriptors only, talk to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.children.channel import HEADER, MAX_MESSAGE_BYTES, ChannelClosedError, Message, body_size, encode

_KILL_WAIT_S: Final = 5.0


class AsyncChannel:
    """The parent's end. One task may receive at a time; any number may send."""

    def __init__(self, sock: socket.socket, most_bytes: int = MAX_MESSAGE_BYTES) -> None:
        """Takes over a connected stream socket and makes it non-blocking; longer messages break the channel."""
        sock.setblocking(False)
        self._sock = sock
        self._most_bytes = most_bytes
        self._sending = asyncio.Lock()
        self._waiting = 0
        self._is_closed = False

    async def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Sends one message; the child gets duplicates of the descriptors.

        Raises:
            ChannelClosedError: the child is gone.
        """
        frame = encode(message)
        async with self._sending:
            try:
                with self._kept_open():
                    await self._send(frame, descriptors)
            except OSError as exc:
                raise ChannelClosedError(str(exc)) from exc

    async def receive(self) -> Message:
        """Waits for one message. When cancelled in the midst of one, the channel is unusable: close it.

        Raises:
            ChannelClosedError: the child is gone.
        """
        with self._kept_open():
            body = await self._read(body_size(await self._read(HEADER.size), self._most_bytes))
        message: Message = json.loads(body)
        return message

    def close(self) -> None:
        """Closes the socket; the child sees end-of-file, and a waiting `send` or `receive` of ours ends."""
        if self._is_closed:
            return
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if not self._waiting:
            self._sock.close()

    @contextlib.contextmanager
    def _kept_open(self) -> Iterator[None]:
        """Puts off closing the socket: the loop must not watch a descriptor that is closed or another file's."""
        if self._is_closed:
            raise ChannelClosedError("this end is closed")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._is_closed and not self._waiting:
                self._sock.close()

    async def _send(self, frame: bytes, descriptors: Sequence[int]) -> None:
        sent = await self._send_descriptors(frame, descriptors) if descriptors else 0
        await asyncio.get_running_loop().sock_sendall(self._sock, frame[sent:])

    async def _send_descriptors(self, frame: bytes, descriptors: Sequence[int]) -> int:
        while True:
            try:
                return socket.send_fds(self._sock, [frame], list(descriptors))
            except BlockingIOError:
                await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_writer(self._sock, _set_once, ready)
        try:
            await ready
        finally:
            loop.remove_writer(self._sock)

    async def _read(self, size: int) -> bytes:
        loop = asyncio.get_running_loop()
        data = bytearray()
        while len(data) < size:
            try:
                chunk = await loop.sock_recv(self._sock, size - len(data))
            except OSError as exc:
                raise ChannelClosedError(str(exc)) from exc
            if not chunk:
                raise ChannelClosedError("the child closed its end")
            data += chunk
        return bytes(data)


def _set_once(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(frozen=True, slots=True)
class Child:
    """A running child process and the channel to it."""

    process: asyncio.subprocess.Process
    channel: AsyncChannel

    def send_kill(self) -> None:
        """Sends SIGKILL and does not wait; a child that has ended is left alone."""
        # Not `process.kill()`, which reaps a child that has just ended: asyncio then reports 255 for its status.
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)

    async def kill(self) -> int:
        """Ends the child at once and reaps it; returns its exit status, negative for a signal."""
        self.channel.close()
        self.send_kill()
        async with asyncio.timeout(_KILL_WAIT_S):
            return await self.process.wait()


async def spawn(module: str, *, environment: Mapping[str, str], stderr: int = asyncio.subprocess.DEVNULL) -> Child:
    """Starts `python -m module FD PARENT_PID`; the child holds that descriptor and the standard three, no other.

    Call from the main thread: a child dies with the thread that forked it.

    Args:
        module: its main code takes the channel's descriptor and the parent's id from the command line.
        environment: all that the child will see.
        stderr: as for asyncio's subprocesses.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-m", module, str(theirs.fileno()), str(os.getpid()),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=stderr,
                env=dict(environment), pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
    return Child(process, AsyncChannel(ours))
