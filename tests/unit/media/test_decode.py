"""Media becomes the samples of faster-whisper, or a fault."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper.audio import decode_audio

from consumer.media.decode import decode
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import DecodeLimits
from consumer.ports import SAMPLE_RATE_HZ
from tests import media, speech

LIMITS = DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=0)


def samples_of(content: bytes, limits: DecodeLimits = LIMITS) -> npt.NDArray[np.float32]:
    samples = io.BytesIO()
    decode(io.BytesIO(content), samples, SAMPLE_RATE_HZ, limits)
    return np.frombuffer(samples.getvalue(), np.int16).astype(np.float32) / 32768.0


def fault_of(content: bytes, limits: DecodeLimits = LIMITS) -> Fault:
    with pytest.raises(MediaFaultError) as caught:
        samples_of(content, limits)
    return caught.value.fault


@pytest.mark.parametrize("clip", speech.CLIPS, ids=lambda clip: clip.name)
def test_recordings_become_the_samples_of_faster_whisper(clip: speech.Clip) -> None:
    assert np.array_equal(samples_of(clip.path.read_bytes()), decode_audio(str(clip.path)))


@pytest.mark.parametrize(("container", "codec"), media.FORMATS)
def test_every_usual_format_becomes_the_samples_of_faster_whisper(container: str, codec: str) -> None:
    content = media.make_audio(container, codec)
    samples = samples_of(content)
    assert np.array_equal(samples, decode_audio(io.BytesIO(content)))
    assert samples.size == pytest.approx(SAMPLE_RATE_HZ, rel=0.15)


def test_long_audio_is_resampled_in_the_groups_of_faster_whisper() -> None:
    content = media.make_audio("flac", "flac", seconds=25, rate_hz=44_100)
    assert np.array_equal(samples_of(content), decode_audio(io.BytesIO(content)))


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("clip", [speech.ENGLISH, speech.LONGEST], ids=lambda clip: clip.name)
def test_what_is_left_of_a_truncated_file_is_decoded(clip: speech.Clip, share: float) -> None:
    whole = clip.path.read_bytes()
    content = whole[: int(len(whole) * share)]
    samples = samples_of(content)
    assert np.array_equal(samples, decode_audio(io.BytesIO(content)))
    assert samples.size > 0


def test_a_stream_that_changes_its_rate_midway_is_decoded_to_its_end() -> None:
    parts = [media.make_audio("adts", "aac", rate_hz=rate_hz) for rate_hz in (48_000, 32_000)]
    assert samples_of(b"".join(parts)).size == pytest.approx(2 * SAMPLE_RATE_HZ, rel=0.15)


def test_the_stream_is_described_as_it_was_before_resampling() -> None:
    content = media.make_audio("mp4", "aac", rate_hz=44_100)
    found = decode(io.BytesIO(content), io.BytesIO(), SAMPLE_RATE_HZ, LIMITS)
    count = found.pop("count")
    assert count == samples_of(content).size
    assert found == {
        "container": "mov,mp4,m4a,3gp,3g2,mj2", "codec": "aac", "sample_rate_hz": 44_100, "channels": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [b"", b"just some text\n" * 100, bytes(50_000), np.random.default_rng(1).bytes(50_000), media.make_picture()],
    ids=["empty", "text", "zeros", "noise", "picture"],
)
def test_what_is_no_media_is_unsupported(content: bytes) -> None:
    assert fault_of(content) is Fault.UNSUPPORTED


@pytest.mark.parametrize("make_playlist", [media.make_ffconcat, media.make_hls])
def test_a_playlist_opens_no_other_file(make_playlist: object, tmp_path: Path) -> None:
    assert callable(make_playlist)
    target = tmp_path / "other.wav"
    target.write_bytes(media.make_wav(SAMPLE_RATE_HZ))
    playlist = tmp_path / "harmless.mp3"
    for name in (str(target), target.name):
        playlist.write_bytes(make_playlist(name))
        with playlist.open("rb") as file, pytest.raises(MediaFaultError) as caught:
            decode(file, io.BytesIO(), SAMPLE_RATE_HZ, LIMITS)
        assert caught.value.fault is Fault.UNSUPPORTED


def test_a_video_without_sound_has_no_audio() -> None:
    assert fault_of(media.make_video()) is Fault.NO_AUDIO


@pytest.mark.parametrize(
    "content",
    [media.make_audio("mp4", "aac")[:-2000], b"RIFF" + bytes(1000), media.make_wav(0)],
    ids=["mp4 without its index", "riff of nothing", "wav without samples"],
)
def test_media_that_yields_nothing_is_corrupt(content: bytes) -> None:
    assert fault_of(content) is Fault.CORRUPT


def test_audio_of_just_the_longest_duration_is_taken() -> None:
    limits = DecodeLimits(max_duration_s=1, timeout_s=60, memory_bytes=0)
    assert samples_of(media.make_wav(SAMPLE_RATE_HZ), limits).size == SAMPLE_RATE_HZ
    assert fault_of(media.make_wav(SAMPLE_RATE_HZ + 1), limits) is Fault.TOO_LONG


def test_no_more_is_written_than_the_longest_duration() -> None:
    samples = io.BytesIO()
    with pytest.raises(MediaFaultError):
        decode(
            io.BytesIO(media.make_wav(40 * SAMPLE_RATE_HZ)), samples, SAMPLE_RATE_HZ,
            DecodeLimits(max_duration_s=35, timeout_s=60, memory_bytes=0),
        )  # fmt: skip
    assert len(samples.getvalue()) <= 35 * SAMPLE_RATE_HZ * 2


def test_audio_of_just_the_shortest_duration_is_taken() -> None:
    assert samples_of(media.make_wav(SAMPLE_RATE_HZ // 10)).size == SAMPLE_RATE_HZ // 10
    assert fault_of(media.make_wav(SAMPLE_RATE_HZ // 10 - 1)) is Fault.TOO_SHORT
