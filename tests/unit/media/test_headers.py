"""What headers promise, whatever is written in them."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.media.ends import is_cut_off
from consumer.media.headers import promised_duration_s
from tests import media

SECONDS = 2
CONTENTS = {
    "wav": media.make_audio("wav", "pcm_s16le", seconds=SECONDS),
    "w64": media.make_audio("w64", "pcm_s24le", seconds=SECONDS),
    "caf": media.make_audio("caf", "pcm_s16le", seconds=SECONDS),
    "avi": media.make_audio("avi", "pcm_s16le", seconds=SECONDS),
    "asf": media.make_audio("asf", "wmav2", seconds=SECONDS),
}
BREAKABLE = {
    "ogg": media.make_audio("ogg", "libopus"),
    "mov,mp4,m4a,3gp,3g2,mj2": media.make_fragmented_mp4(2),
    "matroska,webm": media.make_audio("matroska", "aac"),
    "asf": CONTENTS["asf"],
}
HEADER_BYTES = 600
UNKNOWN = {"wav": struct.pack("<I", 2**32 - 1), "caf": struct.pack(">q", -1)}


def promised_s(container: str, content: bytes) -> float | None:
    return promised_duration_s(io.BytesIO(content), container, 0)


@pytest.mark.parametrize("container", CONTENTS)
def test_a_header_promises_the_same_however_little_follows_it(container: str) -> None:
    content = CONTENTS[container]
    assert promised_s(container, content) == pytest.approx(SECONDS, abs=0.1)
    assert promised_s(container, content[: len(content) // 3]) == promised_s(container, content)


@pytest.mark.parametrize("container", UNKNOWN)
def test_a_length_that_its_writer_left_open_is_none(container: str) -> None:
    content, unknown = CONTENTS[container], UNKNOWN[container]
    place = content.index(b"data") + 4
    assert promised_s(container, content[:place] + unknown + content[place + len(unknown) :]) is None


@pytest.mark.parametrize("container", ["flac", "ogg"])
def test_of_other_containers_nothing_is_known_here(container: str) -> None:
    assert promised_s(container, media.make_audio(container, "flac")) is None


@pytest.mark.parametrize("container", sorted({*CONTENTS, *BREAKABLE}))
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_no_header_is_too_absurd_to_be_read(container: str, data: st.DataObject) -> None:
    whole = CONTENTS.get(container) or BREAKABLE[container]
    content = bytearray(whole[: data.draw(st.integers(0, HEADER_BYTES))])
    for place in data.draw(st.lists(st.integers(0, HEADER_BYTES), max_size=5)):
        content[place : place + 4] = data.draw(
            st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"LIST"])
        )
    file = io.BytesIO(content)
    file.seek(7)
    duration_s = promised_duration_s(file, container, 0)
    assert duration_s is None or duration_s > 0
    assert is_cut_off(file, container) in {True, False}
    assert file.tell() == 7


@pytest.mark.parametrize("container", BREAKABLE)
def test_a_file_that_breaks_off_shows_it_and_a_whole_one_with_junk_behind_does_not(container: str) -> None:
    whole = BREAKABLE[container]
    assert not is_cut_off(io.BytesIO(whole), container)
    assert not is_cut_off(io.BytesIO(whole + bytes(100)), container)
    assert is_cut_off(io.BytesIO(whole[: len(whole) * 2 // 3]), container)
