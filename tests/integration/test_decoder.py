"""Real decoder processes: their samples, and what bad media comes to."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import sys

import numpy as np
import pytest
from faster_whisper.audio import decode_audio

from consumer.children.channel import HEADER
from consumer.children.process import AsyncChannel
from consumer.core.failures import PermanentError
from consumer.media.decoder import ProcessDecoder, _receive
from consumer.ports import MediaInfo
from contracts.errors import ErrorCode
from contracts.requests import Channels
from tests import media, speech
from tests.decoders import decode, floats_of
from tests.processes import (
    descriptors_of,
)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


async def code_of(decoder: ProcessDecoder, content: bytes) -> ErrorCode:
    with pytest.raises(PermanentError) as caught:
        await decode(decoder, content)
    return caught.value.code


def open_descriptors() -> list[str]:
    return sorted(descriptors_of(os.getpid()).values())


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


async def test_subtitles_beside_the_sound_are_passed_over(decoder: ProcessDecoder) -> None:
    content = media.make_subtitled()
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
