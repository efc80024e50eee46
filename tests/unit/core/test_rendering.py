"""Text, subtitles and tables as openai/whisper writes them."""

from __future__ import annotations

import json

import pytest

from consumer.core.rendering import CONTENT_TYPES, render
from contracts.requests import OutputFormat
from contracts.transcript import Segment
from tests.make import make_segment, make_transcript, make_word

TWO = (
    make_segment(" Hello --> there.", 0.0, 1.5),
    make_segment(" A\ttab.", 3599.9996, 3661.25),
)


def text_of(output_format: OutputFormat, *segments: Segment) -> str:
    return render(make_transcript(*segments), output_format)


def test_plain_text_has_a_line_for_each_segment() -> None:
    assert text_of(OutputFormat.TXT, *TWO) == "Hello --> there.\nA\ttab.\n"


def test_srt_numbers_its_cues_and_always_says_the_hour() -> None:
    assert text_of(OutputFormat.SRT, *TWO) == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello -> there.\n\n2\n01:00:00,000 --> 01:01:01,250\nA\ttab.\n\n"
    )


def test_vtt_says_the_hour_where_there_is_one() -> None:
    assert text_of(OutputFormat.VTT, *TWO) == (
        "WEBVTT\n\n00:00.000 --> 00:01.500\nHello -> there.\n\n01:00:00.000 --> 01:01:01.250\nA\ttab.\n\n"
    )


def test_tsv_has_whole_milliseconds_and_no_tab_in_the_text() -> None:
    assert text_of(OutputFormat.TSV, *TWO) == (
        "start\tend\ttext\n0\t1500\tHello --> there.\n3600000\t3661250\tA tab.\n"
    )


def test_json_is_the_transcript_itself() -> None:
    assert json.loads(text_of(OutputFormat.JSON, *TWO))["text"] == "Hello --> there. A\ttab."


def test_words_set_the_times_of_a_cue_and_segments_without_words_have_none() -> None:
    words = [make_word(" Hello", 0.25, 0.5), make_word(" there.", 0.5, 1.25)]
    segments = (make_segment(words=words), make_segment(" (noise)", 2, 3))

    assert text_of(OutputFormat.SRT, *segments) == "1\n00:00:00,250 --> 00:00:01,250\nHello there.\n\n"


def test_a_cue_of_words_breaks_after_a_thousand_characters() -> None:
    words = [make_word(" " + "a" * 599, 0, 1), make_word(" " + "b" * 599, 1, 2), make_word(" c", 2, 3)]
    cue = text_of(OutputFormat.VTT, make_segment(words=words)).splitlines()

    assert cue[3:5] == ["a" * 599, "b" * 599 + " c"]


def test_a_word_without_letters_does_not_open_a_line() -> None:
    words = [make_word(" ", 0, 1), make_word(" a", 1, 2)]

    assert text_of(OutputFormat.SRT, make_segment(words=words)).splitlines()[2] == "a"


@pytest.mark.parametrize(
    ("output_format", "text"),
    [
        (OutputFormat.TXT, ""),
        (OutputFormat.SRT, ""),
        (OutputFormat.VTT, "WEBVTT\n\n"),
        (OutputFormat.TSV, "start\tend\ttext\n"),
    ],
)
def test_silence_gives_an_empty_file_of_its_kind(output_format: OutputFormat, text: str) -> None:
    silent = make_transcript().model_copy(update={"segments": []})

    assert render(silent, output_format) == text


def test_every_format_has_a_content_type() -> None:
    assert set(CONTENT_TYPES) == set(OutputFormat)


def test_more_than_a_thousand_words_make_a_second_cue() -> None:
    words = [make_word(" w", number, number + 0.5) for number in range(1001)]
    cues = render(make_transcript(make_segment(words=words)), OutputFormat.SRT).split("\n\n")
    assert [cue.splitlines()[1:2] for cue in cues] == [
        ["00:00:00,000 --> 00:16:39,500"], ["00:16:40,000 --> 00:16:40,500"], [],
    ]  # fmt: skip
