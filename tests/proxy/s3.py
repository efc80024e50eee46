"""A proxy that reads HTTP as far as it must: one call, its answer, and what a rule wants done to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from tests.proxy.relay import CutError, Line, Relay, Step

_NO_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED: Final = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
_EXPECTS: Final = re.compile(rb"(?i)\r\nexpect: *100-continue")


@dataclass(frozen=True)
class S3Call:
    """What is asked of the store."""

    method: str
    path: str


@dataclass(frozen=True)
class Treatment:
    """What is done to a call. Cut, answered, or only late."""

    delay_s: float = 0.0
    cut: Step | None = None
    answer: bytes | None = None
    """Given in place of the store's, which never sees the call."""


Rule = Callable[[S3Call], Treatment]
PASS: Final = Treatment()


def let_pass(_: S3Call) -> Treatment:
    """Nothing is done to any call."""
    return PASS


def refusal(status: int, code: str) -> Treatment:
    """The store's way to say no."""
    body = f"<Error><Code>{code}</Code><Message>asked for by a test</Message></Error>".encode()
    head = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return Treatment(answer=head.encode() + body)


SLOW_DOWN: Final = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown")
INTERNAL_ERROR: Final = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError")


class S3Relay(Relay):
    """Does to each call what its rule says."""

    rule: Rule = staticmethod(let_pass)

    async def _relay(self, client: Line, service: Line) -> None:
        while True:
            head = await client.reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            if _EXPECTS.search(head):
                client.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                head = _EXPECTS.sub(b"", head)
            message = head + await _body(client, head)
            await self._treat(self.rule(S3Call(method, path)), method, message, (client, service))

    async def _treat(self, treatment: Treatment, method: str, message: bytes, lines: tuple[Line, Line]) -> None:
        client, service = lines
        if treatment.delay_s:
            await asyncio.sleep(treatment.delay_s)
        if treatment.cut is Step.BEFORE:
            raise CutError
        answer = treatment.answer or await _call(service, message, method)
        if treatment.cut is Step.AFTER:
            raise CutError
        client.writer.write(answer)
        await client.writer.drain()


async def _call(service: Line, message: bytes, method: str) -> bytes:
    service.writer.write(message)
    await service.writer.drain()
    head = await service.reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    is_bare = method == "HEAD" or status in _NO_BODY
    return head if is_bare else head + await _body(service, head)


async def _body(line: Line, head: bytes) -> bytes:
    """What follows a head, as it stands on the wire."""
    if size := _LENGTH.search(head):
        return await line.reader.readexactly(int(size[1]))
    return await _chunks(line) if _CHUNKED.search(head) else b""


async def _chunks(line: Line) -> bytes:
    wire = b""
    while True:
        size_line = await line.reader.readuntil(b"\r\n")
        size = int(size_line.split(b";")[0], 16)
        wire += size_line + await line.reader.readexactly(size + len(b"\r\n"))
        if not size:  # no trailers: neither client nor store sends any here
            return wire
