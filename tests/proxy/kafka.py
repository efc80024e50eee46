"""A proxy that reads Kafka's protocol as far as it must: which call a frame is, and which answer belongs to it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from tests.proxy.relay import CutError, Line, Relay, Step, first_to_end

_SIZE: Final = struct.Struct("!i")
_REQUEST: Final = struct.Struct("!hhi")
"""Api key, its version, and the number that the answer repeats."""
_ANSWER: Final = struct.Struct("!i")


class Call(IntEnum):
    """Calls by their api keys."""

    PRODUCE = 0
    FETCH = 1
    COMMIT = 8
    JOIN = 11


Rule = Callable[[int], Step | None]
"""Where to cut a call of that api key; None lets it pass."""


def let_pass(_: int) -> Step | None:
    """No call is cut."""
    return None


class KafkaRelay(Relay):
    """Cuts the connection of the calls that its rule picks."""

    rule: Rule = staticmethod(let_pass)

    async def _relay(self, client: Line, service: Line) -> None:
        doomed: set[int] = set()
        await first_to_end(self._pass_calls(client, service, doomed), _pass_answers(service, client, doomed))

    async def _pass_calls(self, client: Line, service: Line, doomed: set[int]) -> None:
        while True:
            frame = await _read_frame(client)
            api_key, _, number = _REQUEST.unpack_from(frame)
            match self.rule(api_key):
                case Step.BEFORE:
                    raise CutError
                case Step.AFTER:
                    doomed.add(number)
            await _write_frame(service, frame)


async def _pass_answers(service: Line, client: Line, doomed: set[int]) -> None:
    while True:
        frame = await _read_frame(service)
        if _ANSWER.unpack_from(frame)[0] in doomed:
            raise CutError
        await _write_frame(client, frame)


async def _read_frame(line: Line) -> bytes:
    (size,) = _SIZE.unpack(await line.reader.readexactly(_SIZE.size))
    return await line.reader.readexactly(size)


async def _write_frame(line: Line, frame: bytes) -> None:
    line.writer.write(_SIZE.pack(len(frame)) + frame)
    await line.writer.drain()
