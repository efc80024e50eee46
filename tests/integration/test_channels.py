"""A call with a voice on each channel, through the real decoder and the real engine."""

from __future__ import annotations

import io
import tempfile
import wave

import numpy as np

from consumer.engine.supervisor import ProcessEngine
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from consumer.tracks import transcribe_tracks
from contracts.requests import Channels, Options
from tests import speech
from tests.engines import make_engine_config

LIMITS = DecodeLimits(max_duration_s=120, timeout_s=60, memory_bytes=512 * 1024**2)
OPTIONS = Options(temperature=(0.0,), channels=Channels.SEPARATE)
ANSWER_AFTER_S = 4


def make_call() -> bytes:
    """A sentence on the left, and the same one on the right some seconds later."""
    left = np.frombuffer(speech.samples(speech.SHORT), "<i2")
    right = np.concatenate([np.zeros(ANSWER_AFTER_S * speech.SAMPLE_RATE_HZ, "<i2"), left])
    both = np.zeros((right.size, 2), "<i2")
    both[: left.size, 0], both[:, 1] = left, right
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(2)
        output.setsampwidth(2)
        output.setframerate(speech.SAMPLE_RATE_HZ)
        output.writeframes(both.tobytes())
    return file.getvalue()


async def test_each_party_is_heard_on_its_channel_at_its_time() -> None:
    told: list[float] = []
    async with ProcessDecoder(LIMITS) as decoder, ProcessEngine(make_engine_config()) as engine:
        with tempfile.TemporaryFile() as file:
            file.write(make_call())
            recording = await decoder.decode(file, OPTIONS.channels)
        with recording:
            result = await transcribe_tracks(engine, recording, OPTIONS, told.append)

    assert [(segment.id, segment.channel) for segment in result.segments] == [(1, 0), (2, 1)]
    assert all(segment.text.endswith(" never been surpassed.") for segment in result.segments)
    assert result.segments[1].end > ANSWER_AFTER_S
    assert told == sorted(told)
    assert told[-1] <= recording.duration_s
