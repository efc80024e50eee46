"""Real decoder processes: their rights while they work, and their ends."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

import pytest

from consumer.core.failures import PermanentError
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from contracts.errors import ErrorCode
from tests import media, speech
from tests.decoders import LIMITS, decode, decoder_pid, server_pid
from tests.processes import (
    children_of,
    descriptors_of,
    environment_of,
    is_running,
    limits_of,
    status_of,
)
from tests.waiting import until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@asynccontextmanager
async def cancelled_in_the_end(decoder: ProcessDecoder, endless: IO[bytes]) -> AsyncIterator[int]:
    """The process that decodes media which never comes, until the end of the block."""
    task = asyncio.create_task(decoder.decode(endless))
    try:
        yield await decoder_pid(decoder)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@linux_only
async def test_a_decoder_holds_three_descriptors_and_no_environment(
    decoder: ProcessDecoder, endless: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    async with cancelled_in_the_end(decoder, endless) as pid:
        kinds = sorted(target.partition(":")[0] for target in descriptors_of(pid).values())
        assert kinds == ["/memfd", "pipe", "socket"]
        for process in (pid, server_pid(decoder)):
            assert environment_of(process) == b""
            assert status_of(process)["Threads"] == "1"


@linux_only
async def test_a_decoder_is_confined_before_it_reads_a_byte(decoder: ProcessDecoder, endless: IO[bytes]) -> None:
    async with cancelled_in_the_end(decoder, endless) as pid:
        status, limits = status_of(pid), limits_of(pid)
    assert (status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapPrm"], 16)) == ("1", 0, 0)
    assert limits["Max open files"] == limits["Max processes"] == limits["Max core file size"] == "0"
    assert limits["Max cpu time"] == "60"
    assert limits["Max file size"] == str(120 * 32_000 + io.DEFAULT_BUFFER_SIZE)
    assert LIMITS.memory_bytes < int(limits["Max address space"]) < 2 * LIMITS.memory_bytes


@linux_only
async def test_cancelling_ends_the_decoder_and_only_that_one(decoder: ProcessDecoder, endless: IO[bytes]) -> None:
    async with cancelled_in_the_end(decoder, endless) as pid:
        assert is_running(pid)
    assert not is_running(pid)
    server = server_pid(decoder)
    with await decode(decoder, media.make_wav(16_000)):
        assert server_pid(decoder) == server


async def test_a_hung_decoder_is_ended_at_its_deadline(endless: IO[bytes]) -> None:
    limits = DecodeLimits(max_duration_s=120, timeout_s=0.3, memory_bytes=512 * 1024**2)
    async with ProcessDecoder(limits) as decoder:
        with pytest.raises(PermanentError, match=r"within 0\.3 s") as caught:
            await decoder.decode(endless)
        assert caught.value.code is ErrorCode.MEDIA_DECODER_FAILED
        assert children_of(server_pid(decoder)) == []


@linux_only
async def test_a_stopped_decoder_is_ended_at_its_deadline(endless: IO[bytes]) -> None:
    limits = DecodeLimits(max_duration_s=120, timeout_s=2, memory_bytes=512 * 1024**2)
    async with ProcessDecoder(limits) as decoder:
        task = asyncio.create_task(decoder.decode(endless))
        pid = await decoder_pid(decoder)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(PermanentError, match="within 2 s"):
            await task
        assert not is_running(pid)


@linux_only
@pytest.mark.parametrize(("number", "what"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, "memory")])
async def test_a_decoder_that_crashes_fails_its_file_alone(
    decoder: ProcessDecoder, endless: IO[bytes], number: signal.Signals, what: str
) -> None:
    task = asyncio.create_task(decoder.decode(endless))
    os.kill(await decoder_pid(decoder), number)
    with pytest.raises(PermanentError, match=what) as caught:
        await task
    assert caught.value.code is ErrorCode.MEDIA_DECODER_FAILED
    with await decode(decoder, media.make_wav(16_000)) as recording:
        assert recording.duration_s == 1


@linux_only
async def test_a_decoder_without_memory_says_so() -> None:
    async with ProcessDecoder(DecodeLimits(max_duration_s=120, timeout_s=60, memory_bytes=4096)) as decoder:
        with pytest.raises(PermanentError) as caught:
            await decode(decoder, speech.EIGHT_CHANNELS.path.read_bytes())
    assert caught.value.code is ErrorCode.MEDIA_DECODER_FAILED


@linux_only
async def test_closing_ends_every_process(endless: IO[bytes]) -> None:
    async with ProcessDecoder(LIMITS) as decoder:
        server = server_pid(decoder)
        task = asyncio.create_task(decoder.decode(endless))
        pid = await decoder_pid(decoder)
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not is_running(pid)
    assert not is_running(server)


_WORKER = """
import asyncio, os, sys
from consumer.media.decoder import ProcessDecoder
from consumer.media.descriptors import sample_memory
from consumer.media.limits import MIX, DecodeLimits

async def main():
    readable, writable = os.pipe()
    async with ProcessDecoder(DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=1 << 29)) as decoder:
        print(decoder._server.pid, flush=True)
        await decoder.decode(os.fdopen(readable, "rb", buffering=0))

asyncio.run(main())
"""


@linux_only
async def test_no_child_outlives_a_killed_worker() -> None:
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", _WORKER, stdout=asyncio.subprocess.PIPE)
    assert worker.stdout
    server = int(await asyncio.wait_for(worker.stdout.readline(), 30))
    await until(lambda: len(children_of(server)) == 1)
    (pid,) = children_of(server)
    worker.kill()
    await worker.wait()
    await until(lambda: not is_running(server) and not is_running(pid))
    assert children_of(server) == []
