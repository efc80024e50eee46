"""Files that end too early, or too late: what there is gets decoded, and the answer tells what is missing."""

from __future__ import annotations

import io
import struct
from functools import cache

import pytest

from consumer.media.decode import Answer, decode
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import MIX, DecodeLimits
from consumer.ports import SAMPLE_RATE_HZ
from tests import media

LIMITS = DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=0)
SECONDS = 10
INEXACT_S = 1.1
"""A block of TTA, the longest there is."""
INDEX_AT_THE_END = (("mp4", "aac"), ("mov", "pcm_s16le"), ("ipod", "aac"))
DAMAGE_ALONE = (("ogg", "libopus"), ("ogg", "flac"), ("ogg", "vorbis"), ("adts", "aac"))
NOTHING = (("mpegts", "aac"), ("mpeg", "mp2"), ("ac3", "ac3"))
LENGTH = (
    *(kind for kind in media.FORMATS if kind not in {*INDEX_AT_THE_END, *DAMAGE_ALONE, *NOTHING}),
    ("wav", "pcm_f32le"), ("wav", "adpcm_ima_wav"), ("wav", "libmp3lame"), ("rf64", "pcm_s16le"),
    ("avi", "pcm_s16le"), ("faststart", "aac"),
)  # fmt: skip
MUXERS = {"rf64": ("wav", {"rf64": "always"})}
JUNK = b"\0\xffjunk" * 4000


@cache
def whole(container: str, codec: str) -> bytes:
    if container == "faststart":
        return media.make_mp4_with_index_first(SECONDS)
    muxer, options = MUXERS.get(container, (container, {}))
    return media.make_audio(muxer, codec, seconds=SECONDS, options=options)


def cut(content: bytes, share: float) -> bytes:
    return content[: int(share * len(content))]


def found_in(content: bytes) -> Answer:
    return decode(io.BytesIO(content), [io.BytesIO()], SAMPLE_RATE_HZ, layout=MIX, limits=LIMITS)


def seconds_in(found: Answer) -> float:
    assert isinstance(found["count"], int)
    return found["count"] / SAMPLE_RATE_HZ


def fault_of(content: bytes) -> Fault:
    with pytest.raises(MediaFaultError) as caught:
        found_in(content)
    return caught.value.fault


@pytest.mark.parametrize("kind", LENGTH, ids="/".join)
def test_a_file_that_tells_its_length_tells_what_is_missing(kind: tuple[str, str]) -> None:
    content = whole(*kind)
    assert fault_of(cut(content, 0.4)) is Fault.MOSTLY_LOST
    for share in (0.6, 0.8):
        found = found_in(cut(content, share))
        assert seconds_in(found) == pytest.approx(share * SECONDS, abs=INEXACT_S), share
        assert found["lost_s"] == pytest.approx((1 - share) * SECONDS, abs=INEXACT_S), share


@pytest.mark.parametrize("kind", DAMAGE_ALONE, ids="/".join)
@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_file_without_a_length_tells_that_it_is_damaged(kind: tuple[str, str], share: float) -> None:
    found = found_in(cut(whole(*kind), share))
    assert found["damaged_packets"] == 1
    assert seconds_in(found) == pytest.approx(share * SECONDS, abs=INEXACT_S)


@pytest.mark.parametrize("kind", NOTHING, ids="/".join)
@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_a_file_that_tells_nothing_is_decoded_as_far_as_it_goes(kind: tuple[str, str], share: float) -> None:
    assert seconds_in(found_in(cut(whole(*kind), share))) == pytest.approx(share * SECONDS, abs=INEXACT_S)


@pytest.mark.parametrize("kind", INDEX_AT_THE_END, ids="/".join)
@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_without_its_index_a_file_holds_nothing(kind: tuple[str, str], share: float) -> None:
    assert fault_of(cut(whole(*kind), share)) is Fault.CORRUPT


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.7, 0.8, 0.9, 0.99])
def test_the_fragments_of_an_mp4_are_decoded_to_the_last_whole_one(share: float) -> None:
    found = found_in(cut(media.make_fragmented_mp4(SECONDS), share))
    assert found["damaged_packets"] == 1
    assert seconds_in(found) == pytest.approx(share * SECONDS, abs=INEXACT_S)


@pytest.mark.parametrize("share", [0.004, 0.008, 0.012])
def test_a_file_cut_within_its_header_is_damaged_and_not_mute(share: float) -> None:
    assert fault_of(cut(whole("faststart", "aac"), share)) is Fault.CORRUPT


@pytest.mark.parametrize("kind", sorted({*media.FORMATS, *LENGTH}), ids="/".join)
def test_a_whole_file_lacks_nothing(kind: tuple[str, str]) -> None:
    found = found_in(whole(*kind))
    assert (found["damaged_packets"], found["lost_s"]) == (0, 0.0)
    assert seconds_in(found) == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("kind", sorted({*media.FORMATS, *LENGTH}), ids="/".join)
def test_junk_behind_the_end_costs_nothing(kind: tuple[str, str]) -> None:
    found = found_in(whole(*kind) + JUNK)
    assert seconds_in(found) == pytest.approx(SECONDS, abs=0.2)
    assert found["damaged_packets"] in {0, 1}
    assert found["lost_s"] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_wav_from_a_pipe_is_whole(size: int) -> None:
    content = bytearray(media.make_wav(2 * SAMPLE_RATE_HZ))
    for offset in (4, 40):
        struct.pack_into("<I", content, offset, size)
    found = found_in(bytes(content))
    assert seconds_in(found) == 2
    assert (found["damaged_packets"], found["lost_s"]) == (0, 0.0)
