"""Our texts, subtitles and tables are byte for byte what openai/whisper's own writers give."""

from __future__ import annotations

import ast
import io
import os
from collections.abc import Iterable, Iterator
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.core.rendering import render
from contracts.languages import LANGUAGE_NAMES
from contracts.requests import OutputFormat
from contracts.transcript import Segment
from tests.make import make_segment, make_transcript, make_word
from tests.stack.service import MissingServiceError
from tests.stack.whisper import load_writers, whisper_source

WRITERS = {
    OutputFormat.SRT: "WriteSRT",
    OutputFormat.VTT: "WriteVTT",
    OutputFormat.TXT: "WriteTXT",
    OutputFormat.TSV: "WriteTSV",
}


@pytest.fixture(scope="module")
def writers() -> ModuleType:
    """openai/whisper's writers."""
    try:
        return load_writers()
    except MissingServiceError as exc:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have openai/whisper's writers: {exc}", pytrace=False)
        pytest.skip(str(exc))


def theirs(writers: ModuleType, segments: list[Segment], form: OutputFormat) -> str:
    """What their writer gives, with `-->` replaced in words too: they do so in segments only, which breaks the file."""
    writer = getattr(writers, WRITERS[form])("")
    if form in (OutputFormat.SRT, OutputFormat.VTT):
        writer.iterate_result = lambda *given: harmless(type(writer).iterate_result(writer, *given))
    has_words = any(segment.words for segment in segments)
    excluded = set() if has_words else {"words"}  # as whisper's own result: the key is there or not
    file = io.StringIO(newline="\n")
    writer.write_result({"segments": [each.model_dump(exclude=excluded) for each in segments]}, file)
    return file.getvalue()


def harmless(cues: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    for start, end, text in cues:
        yield start, end, text.replace("-->", "->")


times = st.floats(0, 100_000, allow_nan=False)
texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from([" -->", " a\tb", "", " ", " x" * 600])
words = st.lists(st.builds(make_word, texts, times, times), max_size=6)
segments = st.lists(st.builds(make_segment, texts, times, times, words=words), max_size=5)
plain_segments = st.lists(st.builds(make_segment, texts, times, times), max_size=5)


def long_segment(count: int) -> Segment:
    return make_segment(words=[make_word(f" w{number}", number, number + 0.5) for number in range(count)])


@pytest.mark.parametrize("form", WRITERS)
@given(said=segments | plain_segments)
@example(said=[long_segment(999)])
@example(said=[long_segment(1000), make_segment()])
@example(said=[long_segment(2001)])
@example(said=[make_segment(" a --> b", 0.0005, 3_600.0015)])
@example(said=[make_segment(words=[make_word(" -->", 0.0, 1.0)]), make_segment(" without words")])
def test_every_writer_agrees(writers: ModuleType, form: OutputFormat, said: list[Segment]) -> None:
    transcript = make_transcript().model_copy(update={"segments": said})
    assert render(transcript, form) == theirs(writers, said, form)


def test_languages_are_called_as_whisper_calls_them(writers: ModuleType) -> None:
    assert writers.WriteSRT
    tree = ast.parse((whisper_source() / "tokenizer.py").read_text("utf-8"))
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "LANGUAGES"
    )
    assert {code: name.title() for code, name in ast.literal_eval(table).items()} == LANGUAGE_NAMES
