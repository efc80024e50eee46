"""How words are compared, and that both ways give the same ones."""

from __future__ import annotations

import pytest

from tests.bench.wer import error_rate, measure, normalised
from tests.speech import SHORT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", "hello world"),
        ("  It's  1,000 - or «5 %»?", "its 1 000 or 5"),
        ("Är du där?", "är du där"),
        ("真っ昼間なのに、キャンプ。", "真っ昼間なのに キャンプ"),
        ("...", ""),
    ],
)
def test_case_and_punctuation_do_not_count(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("language", "transcripts", "texts", "rate", "units"),
    [
        ("en", ["One two three four."], ["one TWO three"], 0.25, 4),
        ("en", ["One two.", "Three, four."], ["one two", "three"], 0.25, 4),
        ("ja", ["昼間なのに"], ["昼間、なの"], 0.2, 5),
    ],
)
def test_words_are_counted_and_characters_where_there_are_no_spaces(
    language: str, transcripts: list[str], texts: list[str], rate: float, units: int
) -> None:
    found = error_rate(language, transcripts, texts)
    assert found[0] == pytest.approx(rate)
    assert found[1] == units


async def test_both_ways_score_the_same() -> None:
    (score,), invented = await measure("tiny.en", [SHORT])
    assert (score.ours, score.direct, score.equal) == (0.0, 0.0, 1)
    assert all(each.ours == each.direct for each in invented)
