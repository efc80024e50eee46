"""Channels that were transcribed one by one become one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from consumer.core.channels import merge_channels
from consumer.core.speech import EngineResult
from tests.make import make_engine_result, make_segment

Times = Sequence[tuple[float, float]]


def make_result(times: Times = (), *, language: str = "en", probability: float = 1.0) -> EngineResult:
    segments = [make_segment(start=start, end=end, id=number) for number, (start, end) in enumerate(times, start=1)]
    result = make_engine_result(language=language, language_probability=probability, engine_s=1.5)
    return replace(result, segments=segments)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([[(0, 1), (5, 6)]], [(1, 0, 0), (2, 0, 5)]),
        ([[(0, 1), (5, 6)], [(2, 3)]], [(1, 0, 0), (2, 1, 2), (3, 0, 5)]),
        ([[(2, 3)], [(0, 1), (2, 3)]], [(1, 1, 0), (2, 0, 2), (3, 1, 2)]),
        ([[(0, 10)], [(1, 2)], [(0.5, 3)]], [(1, 0, 0), (2, 2, 0.5), (3, 1, 1)]),
        ([[], [(1, 2)], []], [(1, 1, 1)]),
        ([[], []], []),
    ],
)
def test_segments_are_merged_by_time_and_tell_their_channel(
    channels: list[Times], expected: list[tuple[int, int, float]]
) -> None:
    merged = merge_channels([make_result(times) for times in channels])
    assert [(segment.id, segment.channel, segment.start) for segment in merged.segments] == expected


@pytest.mark.parametrize(
    ("first", "second", "language"),
    [
        ([(0, 1)], [(0, 2)], "de"),
        ([(0, 2)], [(0, 1)], "en"),
        ([(0, 1), (3, 5)], [(0, 2)], "en"),
        ([], [(0, 1)], "de"),
        ([(0, 1)], [(4, 5)], "en"),
        ([], [], "en"),
    ],
)
def test_the_language_is_that_of_the_channel_with_most_speech(first: Times, second: Times, language: str) -> None:
    results = [make_result(first, language="en"), make_result(second, language="de", probability=0.7)]
    merged = merge_channels(results)
    assert (merged.language, merged.language_probability) == (language, 0.7 if language == "de" else 1.0)


def test_the_engine_worked_for_all_channels() -> None:
    assert merge_channels([make_result(), make_result()]).engine_s == 3.0
