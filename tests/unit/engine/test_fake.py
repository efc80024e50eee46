"""What the fake engine says, and which trouble it understands."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.core.switches import SWITCHES
from consumer.engine.backend import Track, UnfitError
from consumer.engine.fake import FakeDevice, FakeModel
from contracts.requests import Mode
from contracts.transcript import Segment
from tests.engines import make_noise

ASKED: dict[str, Any] = {"word_timestamps": False, "language": None}


def hear(seconds: float, *, seed: int = 0, switches: str = "", **asked: Any) -> list[Segment]:
    with make_noise(seconds, seed=seed) as samples:
        track = Track(samples.file.fileno(), samples.count)
        model = FakeDevice(switches).load("", 1, 1)
        return list(model.transcribe(track, Mode.SEQUENTIAL, {**ASKED, **asked}).segments)


def test_the_text_follows_from_the_samples() -> None:
    assert hear(1, seed=1) == hear(1, seed=1)
    assert hear(1, seed=1)[0].text != hear(1, seed=2)[0].text


def test_there_is_a_segment_for_each_thirty_seconds() -> None:
    assert [(segment.id, segment.start, segment.end) for segment in hear(65)] == [(1, 0, 30), (2, 30, 60), (3, 60, 65)]
    assert hear(0) == []


def test_words_are_given_where_they_are_asked_for() -> None:
    assert hear(1)[0].words == []
    assert [word.word for word in hear(1, word_timestamps=True)[0].words] == [hear(1)[0].text]


@pytest.mark.parametrize("option", ["hotwords", "initial_prompt"])
def test_a_job_may_ask_for_trouble_among_other_words(option: str) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        hear(1, **dict[str, Any]({option: "Leopard fake:oom Picovoice"}))


def test_a_job_without_a_wish_gets_what_the_settings_say() -> None:
    with pytest.raises(LookupError):
        hear(1, switches="error")
    with pytest.raises(RuntimeError):
        hear(1, switches="error", hotwords="fake:oom")


@pytest.mark.parametrize("word", ["explode", "fake:explode", "slow=soon", "slow="])
def test_another_word_is_refused_with_those_that_there_are(word: str) -> None:
    with pytest.raises(UnfitError, match=f"STENO_ENGINE__FAKE_SWITCHES: '{word}' is no switch .*{', '.join(SWITCHES)}"):
        FakeDevice(word)


def test_it_speaks_every_language() -> None:
    assert {"en", "de", "ja", "yue"} <= set(FakeModel().languages)
