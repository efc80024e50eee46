"""Our path against a bare faster-whisper call on the same file: `python -m tests.bench.equality`.

Ours decodes in the sandboxed process and transcribes in an engine of two slots, two files at once; the direct call is
`WhisperModel(...).transcribe(path)` in this process. Temperature 0. Compared are text, segments with every figure,
words, language and its probability. Files are the recordings of tests/speech.py as they are, and one of them in every
format of tests/media.py, with a picture too; `--all` puts every recording into every format.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av
from rich.console import Console
from rich.table import Table

from consumer.adapters.telemetry import configure_logging
from consumer.engine.supervisor import ProcessEngine
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from contracts.requests import Mode, Options
from tests.direct import Answer, Bare, ask, of_ours
from tests.engines import COMPUTE_TYPE, THREADS, located, make_engine_config
from tests.media import FILMS, FORMATS, PICTURES_HZ, add_picture, add_sound, make_frame
from tests.speech import CLIPS, ENGLISH, Clip

MODELS = ("tiny.en", "base")
LIMITS = DecodeLimits(max_duration_s=3600, timeout_s=60, memory_bytes=1024**3)


@dataclass(slots=True)
class Row:
    """One way of transcribing, over all files."""

    model: str
    mode: str
    words: bool
    files: int = 0
    text: int = 0
    segments: int = 0
    language: int = 0
    differing: list[str] = field(default_factory=list)

    def add(self, name: str, ours: Answer, direct: Answer) -> None:
        """Counts what is equal."""
        self.files += 1
        self.text += ours.text == direct.text
        self.segments += ours.segments == direct.segments
        self.language += ours.language == direct.language
        if ours != direct:
            self.differing.append(name)


def convert(clip: Clip, container: str, codec: str, picture: str | None = None) -> bytes:
    """The recording in another format, mono where the codec can do that, beside pictures of this codec."""
    file = io.BytesIO()
    with av.open(str(clip.path)) as source, av.open(file, "w", format=container) as output:
        pictures = add_picture(output, picture) if picture else None
        rate_hz = 48_000 if codec == "libopus" else 44_100
        layout = "stereo" if codec == "vorbis" else "mono"
        stream = add_sound(output, codec, rate_hz, layout)
        if pictures:
            for image in [*[make_frame()] * int(clip.seconds * PICTURES_HZ), None]:
                output.mux(pictures.encode(image))
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate_hz)
        for frame in itertools.chain(source.decode(audio=0), [None]):
            for each in resampler.resample(frame):
                output.mux(stream.encode(each))
        output.mux(stream.encode(None))
    return file.getvalue()


def files(folder: Path, *, is_all: bool) -> Iterator[Path]:
    """The recordings as they are, then in every format, films last."""
    yield from (clip.path for clip in CLIPS)
    formats: list[tuple[str, str, str | None]] = [(container, codec, None) for container, codec in FORMATS]
    formats += [(container, codec, picture) for container, picture, codec in FILMS]
    for clip in CLIPS if is_all else (ENGLISH,):
        for container, codec, picture in formats:
            path = folder / f"{clip.path.stem}.{picture or 'sound'}.{codec}.{container}"
            path.write_bytes(convert(clip, container, codec, picture))
            yield path


def ask_directly(path: Path, row: Row) -> Answer:
    """faster-whisper's answer for a file."""
    bare = Bare(located(row.model).path, COMPUTE_TYPE, THREADS)
    return ask(bare, path, row.mode, {"temperature": [0.0], "word_timestamps": row.words})


async def ask_ours(decoder: ProcessDecoder, engine: ProcessEngine, path: Path, row: Row) -> Answer:
    """Our answer for a file."""
    options = Options(temperature=(0.0,), word_timestamps=row.words, mode=Mode(row.mode))
    with path.open("rb") as media:
        recording = await decoder.decode(media)
    with recording:
        result = await engine.transcribe(recording.tracks[0], options, lambda _: None)
    return of_ours(result, has_words=row.words)


async def compare(paths: Sequence[Path], model: str, on_row: Callable[[Row], None]) -> None:
    """One row for each mode, with words and without."""
    async with ProcessDecoder(LIMITS) as decoder, ProcessEngine(make_engine_config(model, slots=2)) as engine:
        for mode, words in itertools.product(("sequential", "batched"), (False, True)):
            row = Row(model, mode, words)
            for first in range(0, len(paths), 2):
                pair = paths[first : first + 2]
                answers = await asyncio.gather(*(ask_ours(decoder, engine, path, row) for path in pair))
                for path, answer in zip(pair, answers, strict=True):
                    row.add(path.name, answer, await asyncio.to_thread(ask_directly, path, row))
            on_row(row)


def main() -> None:
    """Prints a table; the exit code is 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--all", action="store_true", help="every recording in every format: hours on two cores")
    parser.add_argument("--json", action="store_true", help="a line for each row, as soon as it is there")
    arguments = parser.parse_args()
    configure_logging(as_json=False, level="error")
    rows: list[Row] = []

    def take(row: Row) -> None:
        rows.append(row)
        if arguments.json:
            print(json.dumps(asdict(row)), flush=True)  # noqa: T201 - its output

    with tempfile.TemporaryDirectory() as folder:
        paths = list(files(Path(folder), is_all=arguments.all))
        for model in arguments.models:
            asyncio.run(compare(paths, model, take))
    if not arguments.json:
        table = Table(*(name for name in Row.__dataclass_fields__))
        for row in rows:
            table.add_row(*(str(value) for value in asdict(row).values()))
        Console().print(table)
    sys.exit(any(row.differing for row in rows))


if __name__ == "__main__":
    main()
