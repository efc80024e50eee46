"""Real decoder processes: their samples, their failures, their rights while they work."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import IO

import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper.audio import decode_audio

from consumer.children.channel import HEADER
from consumer.children.process import AsyncChannel
from consumer.core.failures import PermanentError, TransientError
from consumer.media import forks
from consumer.media.decoder import ProcessDecoder, _receive
from consumer.media.descriptors import sample_memory
from consumer.media.limits import MIX, DecodeLimits
from consumer.ports import MediaInfo, Recording
from contracts.errors import ErrorCode
from contracts.requests import Channels
from tests import media, speech
from tests.processes import (
    children_of,
    descriptors_of,
    environment_of,
    is_running,
    limits_of,
    status_of,
)
from tests.waiting import until

LIMITS = DecodeLimits(max_duration_s=120, timeout_s=60, memory_bytes=512 * 1024**2)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@pytest.fixture
async def decoder() -> AsyncIterator[ProcessDecoder]:
    async with ProcessDecoder(LIMITS) as decoder:
        yield decoder


@pytest.fixture
def endless() -> Iterator[IO[bytes]]:
    """Media that never comes: whoever reads it hangs."""
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb", buffering=0) as file, os.fdopen(writable, "wb", buffering=0):
        yield file


async def decode(decoder: ProcessDecoder, content: bytes, channels: Channels = Channels.MIX) -> Recording:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return await decoder.decode(file, channels)


async def code_of(decoder: ProcessDecoder, content: bytes) -> ErrorCode:
    with pytest.raises(PermanentError) as caught:
        await decode(decoder, content)
    return caught.value.code


def floats_of(recording: Recording, track: int = 0) -> npt.NDArray[np.float32]:
    file = recording.tracks[track].file
    file.seek(0)
    return np.frombuffer(file.read(), np.int16).astype(np.float32) / 32768.0


def open_descriptors() -> list[str]:
    return sorted(descriptors_of(os.getpid()).values())


def server_pid(decoder: ProcessDecoder) -> int:
    return decoder._server.pid if decoder._server else 0


async def decoder_pid(decoder: ProcessDecoder) -> int:
    """The one decoder, confined and waiting for its first byte."""
    pid = server_pid(decoder)
    await until(lambda: len(children_of(pid)) == 1)
    (child,) = children_of(pid)
    await until(lambda: limits_of(child)["Max open files"] == "0")
    return child


async def test_samples_are_those_of_faster_whisper_for_every_recording(decoder: ProcessDecoder) -> None:
    for clip in speech.CLIPS:
        with clip.path.open("rb") as file:
            recording = await decoder.decode(file)
        with recording:
            assert recording.duration_s == pytest.approx(clip.seconds, abs=0.2), clip.name
            assert np.array_equal(floats_of(recording), decode_audio(str(clip.path))), clip.name


@pytest.mark.parametrize(("container", "codec"), media.FORMATS)
async def test_every_usual_format_is_decoded_without_rights(
    decoder: ProcessDecoder, container: str, codec: str
) -> None:
    content = media.make_audio(container, codec)
    with await decode(decoder, content) as recording:
        assert np.array_equal(floats_of(recording), decode_audio(io.BytesIO(content)))


@pytest.mark.parametrize(("container", "picture", "sound"), media.FILMS)
async def test_the_sound_of_a_film_is_decoded_without_rights(
    decoder: ProcessDecoder, container: str, picture: str, sound: str
) -> None:
    content = media.make_film(container, picture, sound)
    with await decode(decoder, content) as recording:
        assert np.array_equal(floats_of(recording), decode_audio(io.BytesIO(content)))


async def test_each_channel_becomes_a_track_of_its_own(decoder: ProcessDecoder) -> None:
    content = media.make_audio("mp3", "libmp3lame")
    with await decode(decoder, content, Channels.SEPARATE) as recording:
        assert len(recording.tracks) == 2
        for number, expected in enumerate(decode_audio(io.BytesIO(content), split_stereo=True)):
            assert np.array_equal(floats_of(recording, number), expected)


@linux_only
async def test_a_decoder_leaves_nothing_open_behind(decoder: ProcessDecoder) -> None:
    before = open_descriptors()
    for content in (media.make_wav(16_000), b"text"):
        for channels in Channels:
            with contextlib.suppress(PermanentError), await decode(decoder, content, channels):
                pass
    assert open_descriptors() == before


async def test_samples_tell_what_the_media_was(decoder: ProcessDecoder) -> None:
    with await decode(decoder, media.make_audio("mp3", "libmp3lame")) as recording:
        assert recording.media == MediaInfo("mp3", "mp3", 48_000, 2, declared_duration_s=1.0)
        (samples,) = recording.tracks
        assert os.fstat(samples.file.fileno()).st_size == 2 * samples.count


async def test_bad_media_fails_with_its_code_and_spoils_nothing(decoder: ProcessDecoder) -> None:
    assert await code_of(decoder, b"") is ErrorCode.MEDIA_CORRUPT
    assert await code_of(decoder, media.make_ffconcat(str(speech.SHORT.path))) is ErrorCode.MEDIA_UNSUPPORTED
    assert await code_of(decoder, media.make_hls(str(speech.SHORT.path))) is ErrorCode.MEDIA_UNSUPPORTED
    assert await code_of(decoder, media.make_video()) is ErrorCode.MEDIA_NO_AUDIO
    assert await code_of(decoder, media.make_audio("mp4", "aac")[:-2000]) is ErrorCode.MEDIA_CORRUPT
    assert await code_of(decoder, media.make_wav(100)) is ErrorCode.INPUT_TOO_SHORT
    assert await code_of(decoder, media.make_wav(121 * 16_000)) is ErrorCode.INPUT_TOO_LONG
    with await decode(decoder, media.make_wav(16_000)) as recording:
        assert recording.duration_s == 1


async def test_audio_of_just_the_longest_duration_fits_the_file_size_limit(decoder: ProcessDecoder) -> None:
    with await decode(decoder, media.make_wav(120 * 16_000)) as recording:
        assert recording.duration_s == 120


async def test_several_files_are_decoded_at_once(decoder: ProcessDecoder) -> None:
    contents = [media.make_wav(16_000 + extra) for extra in range(8)]
    results = await asyncio.gather(*(decode(decoder, content) for content in contents))
    for extra, recording in enumerate(results):
        with recording:
            assert recording.tracks[0].count == 16_000 + extra


async def test_one_file_is_decoded_twice_at_once(decoder: ProcessDecoder) -> None:
    with speech.ENGLISH.path.open("rb") as file:
        first, second = await asyncio.gather(decoder.decode(file), decoder.decode(file))
    with first, second:
        assert np.array_equal(floats_of(first), floats_of(second))


@linux_only
async def test_a_decoder_holds_three_descriptors_and_no_environment(
    decoder: ProcessDecoder, endless: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    task = asyncio.create_task(decoder.decode(endless))
    pid = await decoder_pid(decoder)
    kinds = sorted(target.partition(":")[0] for target in descriptors_of(pid).values())
    assert kinds == ["/memfd", "pipe", "socket"]
    for process in (pid, server_pid(decoder)):
        assert environment_of(process) == b""
        assert status_of(process)["Threads"] == "1"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@linux_only
async def test_a_decoder_is_confined_before_it_reads_a_byte(decoder: ProcessDecoder, endless: IO[bytes]) -> None:
    task = asyncio.create_task(decoder.decode(endless))
    pid = await decoder_pid(decoder)
    status, limits = status_of(pid), limits_of(pid)
    assert (status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapPrm"], 16)) == ("1", 0, 0)
    assert limits["Max open files"] == limits["Max processes"] == limits["Max core file size"] == "0"
    assert limits["Max cpu time"] == "60"
    assert limits["Max file size"] == str(120 * 32_000 + io.DEFAULT_BUFFER_SIZE)
    assert LIMITS.memory_bytes < int(limits["Max address space"]) < 2 * LIMITS.memory_bytes
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@linux_only
async def test_cancelling_ends_the_decoder_and_only_that_one(decoder: ProcessDecoder, endless: IO[bytes]) -> None:
    task = asyncio.create_task(decoder.decode(endless))
    pid = await decoder_pid(decoder)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
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


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1]", b"null", b"[" * 4000])
async def test_an_answer_that_is_no_message_is_a_failed_decoder(body: bytes) -> None:
    ours, theirs = socket.socketpair()
    channel = AsyncChannel(ours)
    with theirs:
        theirs.sendall(HEADER.pack(len(body)) + body)
        with pytest.raises(PermanentError) as caught:
            await _receive(channel)
    channel.close()
    assert caught.value.code is ErrorCode.MEDIA_DECODER_FAILED


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
