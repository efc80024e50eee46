"""A transcript as text, subtitles and tables, byte for byte as openai/whisper's writers give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from contracts.requests import OutputFormat
from contracts.transcript import Segment, Transcript, Word

CONTENT_TYPES: Final = {
    OutputFormat.JSON: "application/json",
    OutputFormat.SRT: "application/x-subrip",
    OutputFormat.VTT: "text/vtt; charset=utf-8",
    OutputFormat.TXT: "text/plain; charset=utf-8",
    OutputFormat.TSV: "text/tab-separated-values; charset=utf-8",
}

_LINE_CHARS: Final = 1000
_CUE_WORDS: Final = 1000
_MS_PER_HOUR: Final = 3_600_000
_MS_PER_MINUTE: Final = 60_000
_MS_PER_SECOND: Final = 1000


@dataclass(frozen=True, slots=True)
class _Cue:
    start_s: float
    end_s: float
    text: str


def render(transcript: Transcript, output_format: OutputFormat) -> str:
    """The transcript in one of its forms; lines end in a line feed."""
    match output_format:
        case OutputFormat.JSON:
            return transcript.model_dump_json()
        case OutputFormat.TXT:
            return "".join(f"{segment.text.strip()}\n" for segment in transcript.segments)
        case OutputFormat.SRT:
            return _srt(transcript.segments)
        case OutputFormat.VTT:
            return _vtt(transcript.segments)
        case OutputFormat.TSV:
            return _tsv(transcript.segments)
        case _:
            assert_never(output_format)


def _srt(segments: Sequence[Segment]) -> str:
    return "".join(
        f"{number}\n{_srt_time(cue.start_s)} --> {_srt_time(cue.end_s)}\n{cue.text}\n\n"
        for number, cue in enumerate(_cues(segments), start=1)
    )


def _vtt(segments: Sequence[Segment]) -> str:
    cues = (f"{_vtt_time(cue.start_s)} --> {_vtt_time(cue.end_s)}\n{cue.text}\n\n" for cue in _cues(segments))
    return "WEBVTT\n\n" + "".join(cues)


def _tsv(segments: Sequence[Segment]) -> str:
    return "start\tend\ttext\n" + "".join(_tsv_row(segment) for segment in segments)


def _tsv_row(segment: Segment) -> str:
    text = segment.text.strip().replace("\t", " ")
    return f"{round(1000 * segment.start)}\t{round(1000 * segment.end)}\t{text}\n"


def _cues(segments: Sequence[Segment]) -> Iterator[_Cue]:
    """One cue a segment; where there are words they set its times, and segments without words have none."""
    has_words = any(segment.words for segment in segments)
    for segment in segments:
        if not has_words:
            yield _Cue(segment.start, segment.end, _harmless(segment.text.strip()))
        for first in range(0, len(segment.words), _CUE_WORDS):
            words = segment.words[first : first + _CUE_WORDS]
            yield _Cue(words[0].start, words[-1].end, _harmless(_wrap(words)))


def _wrap(words: Sequence[Word]) -> str:
    text, line_chars = "", 0
    for word in words:
        if 0 < line_chars <= _LINE_CHARS - len(word.word):
            text += word.word
            line_chars += len(word.word)
        else:
            first = word.word.strip()
            text += f"\n{first}" if line_chars else first
            line_chars = len(first)
    return text


def _harmless(text: str) -> str:
    return text.replace("-->", "->")


def _srt_time(seconds: float) -> str:
    hours, rest = divmod(round(seconds * 1000), _MS_PER_HOUR)
    return f"{hours:02d}:{_minutes(rest, ',')}"


def _vtt_time(seconds: float) -> str:
    hours, rest = divmod(round(seconds * 1000), _MS_PER_HOUR)
    return f"{hours:02d}:{_minutes(rest, '.')}" if hours else _minutes(rest, ".")


def _minutes(milliseconds: int, decimal_mark: str) -> str:
    minutes, rest = divmod(milliseconds, _MS_PER_MINUTE)
    return f"{minutes:02d}:{rest // _MS_PER_SECOND:02d}{decimal_mark}{rest % _MS_PER_SECOND:03d}"
