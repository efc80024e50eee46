"""One track after another through the engine."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest

from consumer.core.failures import TransientError
from consumer.ports import Recording
from consumer.tracks import transcribe_tracks
from contracts.errors import ErrorCode
from contracts.requests import Channels, Options
from tests.fakes.engine import FakeDecoder, FakeEngine

SEPARATE = Options(channels=Channels.SEPARATE)


async def make_recording(content: bytes, options: Options) -> Recording:
    return await FakeDecoder().decode(io.BytesIO(content), options.channels)


async def test_every_channel_is_heard_in_turn_and_named() -> None:
    engine = FakeEngine()
    with await make_recording(b"hello\nthere", SEPARATE) as recording:
        result = await transcribe_tracks(engine, recording, SEPARATE, lambda _: None)
    assert engine.heard == [b"hello", b"there"]
    assert [(segment.channel, segment.text) for segment in result.segments] == [(0, " hello #1"), (1, " there #2")]


async def test_media_with_one_channel_kept_apart_speaks_on_channel_0() -> None:
    with await make_recording(b"hello", SEPARATE) as recording:
        result = await transcribe_tracks(FakeEngine(), recording, SEPARATE, lambda _: None)
    assert [segment.channel for segment in result.segments] == [0]


async def test_a_mix_names_no_channel() -> None:
    with await make_recording(b"hello\nthere", Options()) as recording:
        result = await transcribe_tracks(FakeEngine(), recording, Options(), lambda _: None)
    assert [segment.channel for segment in result.segments] == [None]


async def test_progress_rises_to_the_length_of_the_recording() -> None:
    told: list[float] = []
    with await make_recording(b"12345678\n12345678\n12345678\n12345678", SEPARATE) as recording:
        await transcribe_tracks(FakeEngine(), recording, SEPARATE, told.append)
        assert told[-1] == pytest.approx(recording.duration_s)
    assert len(told) == 4
    assert all(one < other for one, other in pairwise(told))


async def test_a_channel_that_fails_fails_the_recording() -> None:
    engine = FakeEngine()
    engine.errors = [TransientError(ErrorCode.ENGINE_CRASHED, "crash")]
    with await make_recording(b"hello\nthere", SEPARATE) as recording, pytest.raises(TransientError):
        await transcribe_tracks(engine, recording, SEPARATE, lambda _: None)
    assert engine.heard == []
