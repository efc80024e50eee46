"""How long a transcription may take."""

from __future__ import annotations

import pytest

from consumer.engine.config import EngineConfig


@pytest.mark.parametrize(
    ("ratio", "audio_s", "expected"),
    [(0, 10, 14_400), (30, 0, 300), (30, 10, 600), (30, 470, 14_400), (30, 100_000, 14_400)],
)
def test_a_short_file_may_not_hang_for_hours(ratio: float, audio_s: float, expected: float) -> None:
    assert EngineConfig((), job_timeout_s=14_400, timeout_ratio=ratio).deadline_s(audio_s) == expected
