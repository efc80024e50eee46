"""Channels between processes, and how a child is started and ended."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumer.children.channel import HEADER, MAX_MESSAGE_BYTES, Channel, ChannelClosedError, body_size, encode
from consumer.children.process import AsyncChannel, spawn
from tests.processes import descriptors_of, environment_of

PACKAGE_NAME = "consumer.media.forkserver"


@pytest.fixture
def pair() -> Iterator[tuple[AsyncChannel, Channel]]:
    """The parent's and the child's end."""
    ours, theirs = socket.socketpair()
    parent, child = AsyncChannel(ours), Channel(theirs)
    yield parent, child
    parent.close()
    child.close()


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def open_descriptors() -> set[int]:
    return set(descriptors_of(os.getpid()))


async def test_messages_arrive_whole_and_in_order(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    for number in range(100):
        await parent.send({"number": number, "text": "ä\n"})
    assert [child.receive()[0]["number"] for _ in range(100)] == list(range(100))
    child.send({"text": "ä\n"})
    assert await parent.receive() == {"text": "ä\n"}


async def test_a_message_larger_than_the_socket_takes_arrives(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    message = {"text": "x" * 4 * 1024**2}
    received = asyncio.create_task(asyncio.to_thread(child.receive))
    await parent.send(message)
    assert (await received)[0] == message
    sent = asyncio.create_task(asyncio.to_thread(child.send, message))
    assert await parent.receive() == message
    await sent


async def test_descriptors_arrive_with_their_own_message(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    for text in (b"first", b"second"):
        with tempfile.TemporaryFile() as file:
            file.write(text)
            file.flush()
            await parent.send({"text": text.decode()}, [file.fileno()])
    await parent.send({"text": "third"})
    for text in (b"first", b"second"):
        message, (descriptor,) = child.receive()
        assert message["text"] == text.decode()
        assert os.pread(descriptor, 10, 0) == text
        os.close(descriptor)
    assert child.receive() == ({"text": "third"}, [])


async def test_descriptors_wait_for_a_socket_that_is_full(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    flood = asyncio.create_task(parent.send({"text": "x" * 4 * 1024**2}))
    with tempfile.TemporaryFile() as file:
        follower = asyncio.create_task(parent.send({"text": "last"}, [file.fileno()]))
        with ThreadPoolExecutor(1) as thread:
            loop = asyncio.get_running_loop()
            assert len((await loop.run_in_executor(thread, child.receive))[0]["text"]) == 4 * 1024**2
            message, (descriptor,) = await loop.run_in_executor(thread, child.receive)
        os.close(descriptor)
        await asyncio.gather(flood, follower)
    assert message == {"text": "last"}


async def test_a_gone_child_is_noticed_by_whoever_waits_or_sends(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    waiting = asyncio.create_task(parent.receive())
    await asyncio.sleep(0)
    child.close()
    with pytest.raises(ChannelClosedError):
        await waiting
    with pytest.raises(ChannelClosedError):
        await parent.send({"to": "nobody"})
    with pytest.raises(ChannelClosedError):
        await parent.send({"to": "nobody"}, [0])


def test_a_gone_parent_is_noticed_by_whoever_waits_or_sends() -> None:
    ours, theirs = socket.socketpair()
    child = Channel(theirs)
    ours.close()
    with pytest.raises(ChannelClosedError):
        child.receive()
    with pytest.raises(ChannelClosedError):
        child.send({"to": "nobody"})
    child.close()


@linux_only
async def test_closing_wakes_who_waits_and_frees_the_descriptor() -> None:
    before = open_descriptors()
    ours, theirs = socket.socketpair()
    channel = AsyncChannel(ours)
    waiting = asyncio.create_task(channel.receive())
    await asyncio.sleep(0)
    channel.close()
    channel.close()
    with pytest.raises(ChannelClosedError):
        await waiting
    with pytest.raises(ChannelClosedError):
        await channel.send({"to": "nobody"})
    theirs.close()
    assert open_descriptors() == before


@linux_only
async def test_closing_drops_descriptors_that_nobody_took(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    await parent.send({"text": "x"}, [0, 1])
    before = open_descriptors()
    child._read(HEADER.size)
    assert len(open_descriptors() - before) == 2
    child.close()
    assert not open_descriptors() - before


async def test_a_message_longer_than_the_channel_takes_breaks_it() -> None:
    ours, theirs = socket.socketpair()
    channel = AsyncChannel(ours, most_bytes=100)
    with theirs:
        theirs.sendall(encode({"text": "x" * 100}))
        with pytest.raises(ChannelClosedError, match="bytes was announced"):
            await channel.receive()
    channel.close()


def test_an_absurd_size_is_no_message() -> None:
    assert body_size(HEADER.pack(MAX_MESSAGE_BYTES)) == MAX_MESSAGE_BYTES
    with pytest.raises(ChannelClosedError):
        body_size(HEADER.pack(MAX_MESSAGE_BYTES + 1))


@linux_only
async def test_a_child_sees_only_the_environment_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    child = await spawn(PACKAGE_NAME, environment={"ONLY": "this"})
    try:
        assert (await child.channel.receive())["ready"] is True
        assert environment_of(child.process.pid) == b"ONLY=this\0"
    finally:
        await child.kill()


@linux_only
async def test_a_child_inherits_no_descriptor_of_ours() -> None:
    with tempfile.TemporaryFile() as secret:
        os.set_inheritable(secret.fileno(), True)
        child = await spawn(PACKAGE_NAME, environment={})
        try:
            await child.channel.receive()
            ours = descriptors_of(os.getpid())[secret.fileno()]
            assert ours not in descriptors_of(child.process.pid).values()
        finally:
            await child.kill()


async def test_a_child_that_ended_is_killed_without_complaint() -> None:
    child = await spawn(PACKAGE_NAME, environment={})
    await child.channel.receive()
    child.channel.close()
    assert await asyncio.wait_for(child.process.wait(), 30) == 0
    assert await child.kill() == 0


async def test_a_module_that_does_not_exist_is_a_closed_channel() -> None:
    child = await spawn("consumer.media.nothing", environment={})
    with pytest.raises(ChannelClosedError):
        await asyncio.wait_for(child.channel.receive(), 30)
    assert await child.kill() == 1


async def test_senders_take_turns(pair: tuple[AsyncChannel, Channel]) -> None:
    parent, child = pair
    received: list[int] = []

    def receive_all() -> None:
        received.extend(len(child.receive()[0]["text"]) for _ in range(4))

    thread = threading.Thread(target=receive_all)
    thread.start()
    await asyncio.gather(*(parent.send({"text": "x" * size}) for size in (10**6, 2 * 10**6, 3 * 10**6, 4 * 10**6)))
    await asyncio.to_thread(thread.join, 30)
    assert sorted(received) == [10**6, 2 * 10**6, 3 * 10**6, 4 * 10**6]
