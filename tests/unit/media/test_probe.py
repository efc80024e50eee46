"""What headers tell, and what is refused by them."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import Any

import pytest

from consumer.media.containers import first_audio, open_media
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import DecodeLimits
from consumer.media.probe import Probe, check, probe
from tests import media

LIMITS = DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=0, max_streams=4, max_channels=6)
SOUND = Probe(streams=1, sample_rate_hz=48_000, channels=2, declared_duration_s=60.0)


def probe_of(content: bytes) -> Probe:
    file = io.BytesIO(content)
    with open_media(file) as container:
        position = file.tell()
        found = probe(file, container, first_audio(container, file))
        assert file.tell() == position
    return found


def with_size(content: bytes, size: int) -> bytes:
    return content[:40] + struct.pack("<I", size) + content[44:]


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "libmp3lame"), ("mp4", "aac"), ("mov", "pcm_s16le"),
        ("matroska", "aac"), ("webm", "libopus"), ("avi", "libmp3lame"), ("flv", "aac"), ("asf", "wmav2"),
        ("aiff", "pcm_s16be"), ("ogg", "libopus"),
    ],
)  # fmt: skip
def test_the_declared_duration_is_told(container: str, codec: str) -> None:
    found = probe_of(media.make_audio(container, codec, seconds=2))
    assert found.declared_duration_s == pytest.approx(2, abs=0.1)
    assert (found.streams, found.sample_rate_hz, found.channels) == (1, 48_000, 2)


@pytest.mark.parametrize(("container", "codec"), [("adts", "aac"), ("mpegts", "aac"), ("mpeg", "mp2"), ("ac3", "ac3")])
def test_a_guessed_duration_is_none(container: str, codec: str) -> None:
    assert probe_of(media.make_audio(container, codec)).declared_duration_s is None


@pytest.mark.parametrize("tag_bytes", [0, 20_000])
def test_an_mp3_tells_its_duration_only_where_it_counts_its_frames(tag_bytes: int) -> None:
    content = media.make_audio("mp3", "libmp3lame", seconds=2)
    start = content.index(b"\xff\xfb")
    tag = b"ID3\x04\0\0" + bytes((0, tag_bytes >> 14, tag_bytes >> 7 & 0x7F, tag_bytes & 0x7F)) + bytes(tag_bytes)
    assert probe_of(tag + content[start:]).declared_duration_s == pytest.approx(2, abs=0.1)
    uncounted = content[start:].replace(b"Info", b"none")
    assert probe_of(tag + uncounted).declared_duration_s is None


@pytest.mark.parametrize(
    ("data_bytes", "declared_s"),
    [(32_000, 1.0), (64_000, 2.0), (0, 1.0), (0x7FFF_F000, 1.0), (0xFFFF_FFFF, 1.0)],
)
def test_a_wav_tells_what_it_should_hold_unless_its_writer_did_not_know(data_bytes: int, declared_s: float) -> None:
    content = with_size(media.make_wav(16_000), data_bytes)
    assert probe_of(content).declared_duration_s == pytest.approx(declared_s, abs=0.01)


def test_the_sound_of_a_film_may_be_shorter_than_the_film() -> None:
    content = media.make_streams(2)
    assert probe_of(content).declared_duration_s == pytest.approx(0.6)
    assert probe_of(content.replace(b"DURATION", b"SOMETHIN")).declared_duration_s is None


@pytest.mark.parametrize(
    ("change", "most_tracks", "fault"),
    [
        ({}, None, None),
        ({}, 2, None),
        ({}, 1, Fault.TOO_MANY_TRACKS),
        ({"streams": 4}, None, None),
        ({"streams": 5}, None, Fault.TOO_MANY_STREAMS),
        ({"channels": 6}, None, None),
        ({"channels": 7}, None, Fault.TOO_MANY_CHANNELS),
        ({"channels": 0}, 2, None),
        ({"sample_rate_hz": 4_000}, None, None),
        ({"sample_rate_hz": 3_999}, None, Fault.SAMPLE_RATE),
        ({"sample_rate_hz": 768_001}, None, Fault.SAMPLE_RATE),
        ({"sample_rate_hz": 0}, None, None),
        ({"declared_duration_s": 60.1}, None, Fault.TOO_LONG),
        ({"declared_duration_s": None}, None, None),
    ],
)
def test_what_the_header_tells_is_refused_before_decoding(
    change: dict[str, Any], most_tracks: int | None, fault: Fault | None
) -> None:
    found = None
    try:
        check(replace(SOUND, **change), LIMITS, most_tracks=most_tracks)
    except MediaFaultError as exc:
        found = exc.fault
    assert found is fault
