"""Media becomes the samples of faster-whisper, or a fault."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper.audio import decode_audio

from consumer.media.decode import Answer, decode
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import MIX, DecodeLimits
from consumer.ports import SAMPLE_RATE_HZ
from tests import media, speech

LIMITS = DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=0)


def found_in(content: bytes) -> Answer:
    return decode(io.BytesIO(content), [io.BytesIO()], SAMPLE_RATE_HZ, layout=MIX, limits=LIMITS)


def samples_of(content: bytes, limits: DecodeLimits = LIMITS) -> npt.NDArray[np.float32]:
    samples = io.BytesIO()
    decode(io.BytesIO(content), [samples], SAMPLE_RATE_HZ, layout=MIX, limits=limits)
    return floats_of(samples)


def channels_of(content: bytes, limits: DecodeLimits = LIMITS) -> list[npt.NDArray[np.float32]]:
    outputs = [io.BytesIO() for _ in range(limits.max_tracks)]
    found = decode(io.BytesIO(content), outputs, SAMPLE_RATE_HZ, layout=None, limits=limits)
    tracks = [floats_of(output) for output in outputs if output.getvalue()]
    assert {track.size for track in tracks} == {found["count"]}
    assert found["tracks"] == len(tracks)
    return tracks


def floats_of(samples: io.BytesIO) -> npt.NDArray[np.float32]:
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


@pytest.mark.parametrize(("container", "picture", "sound"), media.FILMS)
def test_the_sound_of_a_film_becomes_the_samples_of_faster_whisper(container: str, picture: str, sound: str) -> None:
    content = media.make_film(container, picture, sound, seconds=2)
    samples, found = samples_of(content), found_in(content)
    assert np.array_equal(samples, decode_audio(io.BytesIO(content)))
    assert samples.size == pytest.approx(2 * SAMPLE_RATE_HZ, rel=0.1)
    assert (found["damaged_packets"], found["lost_s"]) == (0, 0.0)


def test_long_audio_is_resampled_in_the_groups_of_faster_whisper() -> None:
    content = media.make_audio("flac", "flac", seconds=25, rate_hz=44_100)
    assert np.array_equal(samples_of(content), decode_audio(io.BytesIO(content)))


def test_an_empty_file_says_so() -> None:
    assert fault_of(b"") is Fault.EMPTY


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("clip", [speech.ENGLISH, speech.LONGEST], ids=lambda clip: clip.name)
def test_what_is_left_of_a_truncated_file_is_decoded(clip: speech.Clip, share: float) -> None:
    whole = clip.path.read_bytes()
    content = whole[: int(len(whole) * share)]
    samples = samples_of(content, replace(LIMITS, min_decoded_share=0))
    assert np.array_equal(samples, decode_audio(io.BytesIO(content)))
    assert samples.size > 0


def test_a_stream_that_changes_its_rate_midway_is_decoded_to_its_end() -> None:
    parts = [media.make_audio("adts", "aac", rate_hz=rate_hz) for rate_hz in (48_000, 32_000)]
    assert samples_of(b"".join(parts)).size == pytest.approx(2 * SAMPLE_RATE_HZ, rel=0.15)


def test_the_stream_is_described_as_it_was_before_resampling() -> None:
    content = media.make_audio("mp4", "aac", rate_hz=44_100)
    assert found_in(content) == {
        "tracks": 1, "count": samples_of(content).size, "container": "mov,mp4,m4a,3gp,3g2,mj2", "codec": "aac",
        "sample_rate_hz": 44_100, "channels": 2, "declared_duration_s": pytest.approx(1.09, abs=0.01),
        "damaged_packets": 0, "lost_s": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [b"just some text\n" * 100, bytes(50_000), np.random.default_rng(1).bytes(50_000), media.make_picture()],
    ids=["text", "zeros", "noise", "picture"],
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
            decode(file, [io.BytesIO()], SAMPLE_RATE_HZ, layout=MIX, limits=LIMITS)
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
            io.BytesIO(media.make_audio("mp3", "libmp3lame", seconds=40)), [samples], SAMPLE_RATE_HZ, layout=MIX,
            limits=DecodeLimits(max_duration_s=35, timeout_s=60, memory_bytes=0),
        )  # fmt: skip
    assert len(samples.getvalue()) <= 35 * SAMPLE_RATE_HZ * 2


def test_audio_of_just_the_shortest_duration_is_taken() -> None:
    assert samples_of(media.make_wav(SAMPLE_RATE_HZ // 10)).size == SAMPLE_RATE_HZ // 10
    assert fault_of(media.make_wav(SAMPLE_RATE_HZ // 10 - 1)) is Fault.TOO_SHORT


@pytest.mark.parametrize(("container", "codec"), media.FORMATS)
def test_channels_kept_apart_are_those_of_faster_whisper(container: str, codec: str) -> None:
    content = media.make_audio(container, codec)
    channels = channels_of(content)
    assert len(channels) == 2
    for channel, expected in zip(channels, decode_audio(io.BytesIO(content), split_stereo=True), strict=True):
        assert np.array_equal(channel, expected)


def test_one_channel_kept_apart_is_the_mix() -> None:
    content = speech.ENGLISH.path.read_bytes()
    (channel,) = channels_of(content)
    assert np.array_equal(channel, samples_of(content))


def test_eight_channels_are_kept_apart() -> None:
    assert len(channels_of(speech.EIGHT_CHANNELS.path.read_bytes())) == 8


def test_more_channels_than_may_be_kept_apart_can_still_be_mixed() -> None:
    content = speech.EIGHT_CHANNELS.path.read_bytes()
    limits = replace(LIMITS, max_tracks=7)
    with pytest.raises(MediaFaultError) as caught:
        channels_of(content, limits)
    assert caught.value.fault is Fault.TOO_MANY_TRACKS
    assert samples_of(content, limits).size


def test_a_change_to_fewer_channels_midway_keeps_the_tracks() -> None:
    parts = [media.make_audio("adts", "aac", layout=layout) for layout in ("stereo", "mono")]
    assert len(channels_of(b"".join(parts))) == 2


def test_what_a_damaged_middle_leaves_is_decoded_to_its_end_and_in_time() -> None:
    whole = media.make_audio("matroska", "aac", seconds=20)
    damaged = media.damaged_in_the_middle(whole, share=0.1)
    found, samples = found_in(damaged), samples_of(damaged)
    assert decode_audio(io.BytesIO(damaged)).size < 0.6 * samples.size  # what is lost otherwise
    assert samples.size == pytest.approx(samples_of(whole).size, rel=0.05)
    assert found["damaged_packets"]
    assert found["lost_s"] == pytest.approx(6, abs=1)  # a block of matroska is 5 s and more


def test_a_file_that_gives_less_than_half_of_what_it_promises_is_damaged() -> None:
    for content in (media.make_audio("flac", "flac", seconds=4), media.make_wav(4 * SAMPLE_RATE_HZ)):
        assert fault_of(content[: int(0.4 * len(content))]) is Fault.MOSTLY_LOST
        part = found_in(content[: int(0.7 * len(content))])
        assert isinstance(part["count"], int)
        assert part["count"] < 0.8 * 4 * SAMPLE_RATE_HZ
        assert part["declared_duration_s"] == pytest.approx(4, rel=0.01)
