"""Word error rates by language, ours and those of a bare faster-whisper call: `python -m tests.bench.wer`.

Clips are those of tests/speech.py with a transcript; the language is given, the temperature is 0. Both sides are
normalised alike: lower case, no punctuation, numbers as they are. Japanese is scored by characters. At the end stands
what comes out for the clip without speech, its language detected.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import jiwer
from rich.console import Console
from rich.table import Table

from contracts.requests import Options
from tests.bench.pair import Pair, paired
from tests.speech import NOISE, SCORED, Clip

MODELS: Final = ("tiny.en", "base")
_BY_CHARACTERS: Final = ("ja", "zh", "th", "yue", "lo", "my", "km")
_ENGLISH_ONLY: Final = ".en"
_SHOWN_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Score:
    """One model on the clips of one language."""

    model: str
    language: str
    clips: int
    units: int
    """Words, or characters, of the transcripts."""
    ours: float
    direct: float
    equal: int
    """Clips with the very same text from both."""


@dataclass(frozen=True, slots=True)
class Invented:
    """What one model says where nobody speaks."""

    model: str
    vad: bool
    ours: str
    direct: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One clip, both texts."""

    clip: Clip
    ours: str
    direct: str


def normalised(text: str) -> str:
    """Lower case, without punctuation, one space between words; marks on letters stay."""
    kept = (char if unicodedata.category(char)[0] not in "PS" else " " for char in text.replace("'", "").lower())
    return " ".join("".join(kept).split())


def error_rate(language: str, transcripts: Sequence[str], texts: Sequence[str]) -> tuple[float, int]:
    """The share of wrong words (characters, where a language has no spaces), and how many there were to get right."""
    references, found = ([normalised(text) for text in each] for each in (transcripts, texts))
    if language in _BY_CHARACTERS:
        references, found = ([text.replace(" ", "") for text in each] for each in (references, found))
        return float(jiwer.cer(references, found)), sum(map(len, references))
    return float(jiwer.wer(references, found)), sum(len(text.split()) for text in references)


def scores(model: str, heard: Sequence[Heard]) -> Iterator[Score]:
    """One for each language."""
    by_language: dict[str, list[Heard]] = defaultdict(list)
    for each in heard:
        by_language[each.clip.language or ""].append(each)
    for language, group in by_language.items():
        transcripts = [each.clip.transcript for each in group]
        ours, units = error_rate(language, transcripts, [each.ours for each in group])
        direct, _ = error_rate(language, transcripts, [each.direct for each in group])
        equal = sum(each.ours == each.direct for each in group)
        yield Score(model, language, len(group), units, round(ours, 4), round(direct, 4), equal)


async def hear(pair: Pair, clip: Clip, options: Options) -> Heard:
    """Transcribes one clip both ways."""
    return Heard(clip, await pair.text(clip.path, options), await asyncio.to_thread(pair.direct, clip.path, options))


async def measure(model: str, clips: Sequence[Clip] = SCORED) -> tuple[list[Score], list[Invented]]:
    """One model on every clip that it can understand, and on the one without speech."""
    known = [clip for clip in clips if clip.language == "en" or not model.endswith(_ENGLISH_ONLY)]
    async with paired(model) as pair:
        heard = [await hear(pair, clip, Options(language=clip.language, temperature=(0.0,))) for clip in known]
        silent = [(vad, await hear(pair, NOISE, Options(temperature=(0.0,), vad=vad))) for vad in (False, True)]
    return list(scores(model, heard)), [Invented(model, vad, each.ours, each.direct) for vad, each in silent]


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}… ({len(text)} characters)")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="may be repeated")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = [asyncio.run(measure(model)) for model in arguments.model or MODELS]
    found = [score for each, _ in results for score in each]
    invented = [line for _, each in results for line in each]
    if arguments.json:
        document = {"scores": [*map(asdict, found)], "without_speech": [*map(asdict, invented)]}
        print(json.dumps(document, ensure_ascii=False))  # noqa: T201 - its output
        return
    table = Table("model", "language", "clips", "units", "ours %", "direct %", "same text", title=platform.machine())
    for each in found:
        table.add_row(
            each.model, each.language, str(each.clips), str(each.units), f"{100 * each.ours:.1f}",
            f"{100 * each.direct:.1f}", f"{each.equal} of {each.clips}",
        )  # fmt: skip
    silence = Table("model", "VAD", "ours", "direct", title=f"{NOISE.name}: nobody speaks")
    for line in invented:
        silence.add_row(line.model, "on" if line.vad else "off", _shortened(line.ours), _shortened(line.direct))
    Console().print(table, silence)


if __name__ == "__main__":
    main()
