"""Fork servers that are lost or stand still, and their decoders."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import replace
from typing import IO

import pytest

from consumer.core.failures import PermanentError, TransientError
from consumer.media import forks
from consumer.media.decoder import ProcessDecoder
from consumer.media.descriptors import sample_memory
from consumer.media.limits import MIX
from consumer.ports import Recording
from contracts.errors import ErrorCode
from tests import media
from tests.decoders import LIMITS, decode, decoder_pid, server_pid
from tests.processes import (
    children_of,
    is_running,
)
from tests.waiting import until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@linux_only
async def test_a_lost_fork_server_is_replaced_and_the_file_decoded_anew(
    decoder: ProcessDecoder, endless: IO[bytes]
) -> None:
    first = server_pid(decoder)
    task = asyncio.create_task(decoder.decode(endless))
    pid = await decoder_pid(decoder)
    os.kill(first, signal.SIGKILL)
    await until(lambda: not is_running(pid) and server_pid(decoder) not in (0, first))
    second = await decoder_pid(decoder)
    assert second != pid
    os.kill(server_pid(decoder), signal.SIGKILL)
    with pytest.raises(TransientError) as caught:
        await task
    assert caught.value.code is ErrorCode.INTERNAL
    with await decode(decoder, media.make_wav(16_000)) as recording:
        assert recording.duration_s == 1


@linux_only
async def test_a_file_whose_fork_server_stands_still_is_decoded_by_another_one(
    decoder: ProcessDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_OBEY_S", 3)
    first = server_pid(decoder)
    os.kill(first, signal.SIGSTOP)
    with await decode(decoder, media.make_wav(16_000)) as recording:
        assert recording.duration_s == 1
    assert server_pid(decoder) != first
    assert not is_running(first)


@linux_only
async def test_only_a_file_that_hangs_is_charged_under_a_fork_server_that_stops_in_the_midst(
    endless: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_OBEY_S", 2)
    long = media.make_audio("wav", "pcm_s16le", seconds=100)
    async with ProcessDecoder(replace(LIMITS, timeout_s=5)) as decoder:
        first = server_pid(decoder)
        task = asyncio.create_task(decode(decoder, long))
        await until(lambda: bool(children_of(first)))
        os.kill(first, signal.SIGSTOP)
        charged, good = await asyncio.gather(decoder.decode(endless), task, return_exceptions=True)
        assert server_pid(decoder) != first
    assert isinstance(charged, PermanentError)
    assert charged.code is ErrorCode.MEDIA_DECODER_FAILED
    assert isinstance(good, Recording)
    with good:
        assert good.duration_s == 100


@linux_only
async def test_a_decoder_that_was_let_go_is_not_waited_for_and_ended_all_the_same(
    decoder: ProcessDecoder, endless: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_OBEY_S", 2)
    server = decoder._server
    assert server is not None
    ours, theirs = socket.socketpair()
    with ours, theirs, sample_memory() as output:
        descriptors = (endless.fileno(), theirs.fileno(), output.fileno())
        async with server.decoding(LIMITS, MIX, descriptors) as forked:
            pid = await decoder_pid(decoder)
            forked.is_let_go = True
        assert is_running(pid)
        await until(lambda: not is_running(pid))
    assert await forked.exited == -signal.SIGKILL
    with await decode(decoder, media.make_wav(16_000)):
        assert server_pid(decoder) == server.pid


@linux_only
async def test_cancelling_passes_a_fork_server_that_stands_still(
    decoder: ProcessDecoder, endless: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_OBEY_S", 1)
    first = server_pid(decoder)
    task = asyncio.create_task(decoder.decode(endless))
    pid = await decoder_pid(decoder)
    os.kill(first, signal.SIGSTOP)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not is_running(first) and not is_running(pid))
