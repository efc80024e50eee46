"""Several channels of one recording, each transcribed on its own, as one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from consumer.core.speech import EngineResult


def merge_channels(results: Sequence[EngineResult]) -> EngineResult:
    """Puts the channels' segments in order of their start, numbered anew from 1; each tells its channel.

    Of segments that start at once the one of the lower channel comes first. Language and its probability are those
    of the channel with most seconds of speech, and of the first one where nobody speaks: a silent channel's guess
    is worth nothing. `engine_s` is the sum.

    Args:
        results: by channel, from channel 0; at least one.
    """
    found = [
        segment.model_copy(update={"channel": channel})
        for channel, result in enumerate(results)
        for segment in result.segments
    ]
    found.sort(key=lambda segment: segment.start)  # stable: channels are in order already
    return replace(
        max(results, key=_speech_s),
        segments=[segment.model_copy(update={"id": number}) for number, segment in enumerate(found, start=1)],
        engine_s=round(sum(result.engine_s for result in results), 4),
    )


def _speech_s(result: EngineResult) -> float:
    return sum(segment.end - segment.start for segment in result.segments)
