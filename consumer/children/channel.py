"""Messages between parent and child: length-prefixed JSON over a stream socket, descriptors beside it.

This side blocks and needs nothing but the standard library; `consumer.children.process` is the parent's side.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any, Final

Message = dict[str, Any]

HEADER: Final = struct.Struct("!I")
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_MAX_DESCRIPTORS: Final = 32


class ChannelClosedError(Exception):
    """The other side is gone."""


def encode(message: Message) -> bytes:
    """One frame: four bytes of length, big-endian, then JSON."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return HEADER.pack(len(body)) + body


def body_size(header: bytes, most_bytes: int = MAX_MESSAGE_BYTES) -> int:
    """Size of the body that follows, in bytes.

    Raises:
        ChannelClosedError: the size is absurd, so the other side is broken.
    """
    size: int = HEADER.unpack(header)[0]
    if size > most_bytes:
        raise ChannelClosedError(f"a message of {size} bytes was announced")
    return size


class Channel:
    """The child's end. One thread may receive while others send, if they hold one lock between them."""

    def __init__(self, sock: socket.socket) -> None:
        """Takes over a connected, blocking stream socket."""
        self._sock = sock
        self._descriptors: list[int] = []

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Sends one message; the receiver gets duplicates of the descriptors.

        Raises:
            ChannelClosedError: the other side is gone.
        """
        frame = encode(message)
        try:
            sent = socket.send_fds(self._sock, [frame], list(descriptors)) if descriptors else 0
            self._sock.sendall(frame[sent:])
        except OSError as exc:
            raise ChannelClosedError(str(exc)) from exc

    def receive(self) -> tuple[Message, list[int]]:
        """Waits for one message and the descriptors that came with it; the caller closes those.

        Raises:
            ChannelClosedError: the other side is gone.
        """
        body = self._read(body_size(self._read(HEADER.size)))
        descriptors, self._descriptors = self._descriptors, []
        message: Message = json.loads(body)
        return message, descriptors

    def close(self) -> None:
        """Closes the socket and every descriptor nobody took."""
        self._sock.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []

    def fileno(self) -> int:
        """The socket's descriptor, for select."""
        return self._sock.fileno()

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                chunk, descriptors, _, _ = socket.recv_fds(self._sock, size - len(data), _MAX_DESCRIPTORS)
            except OSError as exc:
                raise ChannelClosedError(str(exc)) from exc
            self._descriptors.extend(descriptors)
            if not chunk:
                raise ChannelClosedError("the other side closed")
            data += chunk
        return bytes(data)
