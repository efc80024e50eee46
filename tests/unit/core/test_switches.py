"""The words that ask the fake engine for trouble."""

from __future__ import annotations

import pytest

from consumer.core.switches import SWITCHES, read_switches


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", {}), ("slow=0.5", {"slow": 0.5}), ("fake:leak=4096 crash", {"leak": 4096.0, "crash": 0.0})],
)
def test_switches_have_numbers_or_none(text: str, expected: dict[str, float]) -> None:
    assert read_switches(text) == expected


@pytest.mark.parametrize("word", ["explode", "fake:explode", "slow=soon", "slow=", "slow=-1", "SLOW=1"])
def test_another_word_is_refused_with_those_that_there_are(word: str) -> None:
    with pytest.raises(ValueError, match=f"'{word}' is no switch of the fake engine: {', '.join(SWITCHES)}"):
        read_switches(f"crash {word}")
