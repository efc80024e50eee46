"""The proxies that fail on purpose: what they let through, what they cut, and where."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.bench.stub_store import stub_store
from tests.proxy.kafka import Call, KafkaRelay
from tests.proxy.relay import Nth, Step
from tests.proxy.s3 import SLOW_DOWN, S3Call, S3Relay, Treatment

LATE_S = 0.2


@pytest.fixture(scope="module")
def stub() -> Iterator[str]:
    with stub_store() as store:
        yield store.address.endpoint.removeprefix("http://")


@pytest.fixture
async def to_store(stub: str) -> AsyncIterator[tuple[S3Relay, aiohttp.ClientSession]]:
    async with S3Relay(stub) as relay, aiohttp.ClientSession(f"http://{relay.address}") as session:
        yield relay, session


def only_puts(treatment: Treatment, call: S3Call) -> Treatment:
    return treatment if call.method == "PUT" else Treatment()


async def put(session: aiohttp.ClientSession, key: str, body: bytes = b"body", *, chunked: bool = False) -> int:
    async with session.put(key, data=body, chunked=chunked or None) as response:
        return response.status


async def get(session: aiohttp.ClientSession, key: str) -> bytes | None:
    async with session.get(key) as response:
        return await response.read() if response.status == 200 else None


async def test_a_store_behind_a_proxy_answers_as_it_does(to_store: tuple[S3Relay, aiohttp.ClientSession]) -> None:
    _, session = to_store
    assert await put(session, "/bucket/plain") == 200
    assert await put(session, "/bucket/chunked", b"x" * 100_000, chunked=True) == 200
    assert await get(session, "/bucket/plain") == b"body"
    assert await get(session, "/bucket/chunked") == b"x" * 100_000
    assert await get(session, "/bucket/none") is None
    async with session.head("/bucket/plain") as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "4")


@pytest.mark.parametrize(("step", "kept"), [(Step.BEFORE, None), (Step.AFTER, b"body")])
async def test_a_cut_before_leaves_nothing_and_a_cut_after_loses_the_answer_alone(
    to_store: tuple[S3Relay, aiohttp.ClientSession], step: Step, kept: bytes | None
) -> None:
    relay, session = to_store
    relay.rule = lambda call: only_puts(Treatment(cut=step), call)
    with pytest.raises(aiohttp.ClientError):
        await put(session, f"/bucket/cut-{step}")
    assert await get(session, f"/bucket/cut-{step}") == kept


async def test_a_refusal_never_reaches_the_store(to_store: tuple[S3Relay, aiohttp.ClientSession]) -> None:
    relay, session = to_store
    relay.rule = lambda call: only_puts(SLOW_DOWN, call)
    assert await put(session, "/bucket/refused") == 503
    assert await get(session, "/bucket/refused") is None


async def test_a_delay_comes_before_the_call(to_store: tuple[S3Relay, aiohttp.ClientSession]) -> None:
    relay, session = to_store
    relay.rule = lambda _: Treatment(delay_s=LATE_S)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    assert await get(session, "/bucket/none") is None
    assert loop.time() - began_s >= LATE_S


async def test_a_cut_proxy_refuses_until_it_is_mended(to_store: tuple[S3Relay, aiohttp.ClientSession]) -> None:
    relay, session = to_store
    relay.cut()
    with pytest.raises(aiohttp.ClientError):
        await get(session, "/bucket/none")
    relay.mend()
    assert await get(session, "/bucket/none") is None


@asynccontextmanager
async def a_broker(seen: list[int]) -> AsyncIterator[str]:
    """Answers each frame with its number, and notes the calls."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            api_key, _, number = struct.unpack("!hhi", await reader.readexactly(*struct.unpack("!i", size)))
            seen.append(api_key)
            writer.write(struct.pack("!ii", 4, number))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def ask(address: str, *calls: Call) -> list[int]:
    """Sends calls on one connection; the numbers of those that are answered."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answered = []
    try:
        for number, call in enumerate(calls):
            writer.write(struct.pack("!ihhi", 8, call, 0, number))
            answer = await reader.readexactly(8)
            answered.append(struct.unpack("!ii", answer)[1])
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()
    return answered


@pytest.mark.parametrize(
    ("step", "seen_by_the_broker"),
    [
        (Step.BEFORE, [Call.FETCH]),
        (Step.AFTER, [Call.FETCH, Call.COMMIT]),
        (None, [Call.FETCH, Call.COMMIT, Call.FETCH]),
    ],
)
async def test_calls_of_a_kind_are_cut_before_or_after_they_are_done(
    step: Step | None, seen_by_the_broker: list[Call]
) -> None:
    seen: list[int] = []
    async with a_broker(seen) as address, KafkaRelay(address) as relay:
        relay.rule = lambda api_key: step if api_key == Call.COMMIT else None
        answered = await ask(relay.address, Call.FETCH, Call.COMMIT, Call.FETCH)
    assert seen == seen_by_the_broker
    assert answered == ([0] if step else [0, 1, 2])


def test_every_nth_is_picked_so_often_at_most() -> None:
    nth = Nth(3, at_most=2)
    assert [nth() for _ in range(12)] == [False, False, True] * 2 + [False] * 6
    assert nth.picked == 2
