"""Frames to the end of the stream, whatever is damaged on the way."""

from __future__ import annotations

import io

import pytest
from av import AudioFrame

from consumer.media.containers import first_audio, open_media
from consumer.media.frames import FrameReader, _silence
from tests import media


def read(content: bytes) -> tuple[FrameReader, float]:
    """The reader at its end, and seconds of audio."""
    file = io.BytesIO(content)
    with open_media(file) as container:
        reader = FrameReader(container, first_audio(container, file))
        seconds = sum(frame.samples / frame.sample_rate for frame in reader)
    return reader, seconds


@pytest.mark.parametrize(("container", "codec"), media.FORMATS)
def test_sound_media_holds_no_damage(container: str, codec: str) -> None:
    reader, seconds = read(media.make_audio(container, codec))
    assert reader.packets > 0
    assert (reader.damaged_packets, reader.silence_s) == (0, 0.0)
    assert seconds == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("container", "codec"), [("matroska", "aac"), ("flv", "aac"), ("mp4", "aac"), ("mov", "pcm_s16le")]
)
def test_where_timestamps_tell_of_a_gap_silence_stands_for_it(container: str, codec: str) -> None:
    reader, seconds = read(media.damaged_in_the_middle(media.make_audio(container, codec, seconds=20), share=0.1))
    assert seconds == pytest.approx(20, abs=0.2)
    assert (reader.silence_s > 0) == (reader.damaged_packets > 0)


@pytest.mark.parametrize("form", ["s16", "s16p", "fltp", "s32", "u8", "u8p", "dblp"])
@pytest.mark.parametrize("layout", ["mono", "stereo", "7.1"])
def test_silence_is_silent_and_as_long_as_asked_for(form: str, layout: str) -> None:
    like = AudioFrame(form, layout, 1000)
    like.sample_rate = 48_000
    frames = list(_silence(like, 2500))
    assert [frame.samples for frame in frames] == [1000, 1000, 500]
    quiet = 0x80 if form.startswith("u8") else 0
    assert all(set(bytes(frame.planes[0])) == {quiet} for frame in frames)
    assert {(frame.format.name, frame.layout.name, frame.sample_rate) for frame in frames} == {(form, layout, 48_000)}


def test_more_planes_than_can_be_counted_are_not_filled() -> None:
    like = AudioFrame("fltp", "hexadecagonal", 1000)
    like.sample_rate = 48_000
    assert list(_silence(like, 2500)) == []
