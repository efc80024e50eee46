"""Peak memory of the engine process by length of audio: `python -m tests.bench.memory`.

The audio is joined from the recordings of tests/speech.py. What a whole file costs is spent before its first segment
(voice activity detector, loudest value, features), so `--segments` may end a long file early; 0 lets it run to its end.
`--direct` measures a bare faster-whisper call in a process of its own beside it, which takes about 3.5 GB an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from consumer.adapters.telemetry import configure_logging
from consumer.engine.memory import resident_bytes
from consumer.engine.supervisor import ProcessEngine
from consumer.ports import SAMPLE_RATE_HZ, MediaInfo, Samples
from consumer.settings import LogLevel
from contracts.requests import Options
from tests import speech
from tests.engines import located, make_engine_config

MIB = 1024**2
WAV_HEADER_BYTES = 44
VARIANTS: dict[str, dict[str, Any]] = {
    "sequential": {"mode": "sequential"},
    "with VAD": {"mode": "sequential", "vad": True},
    "batched": {"mode": "batched"},
}
DIRECT = """
import resource, sys
from itertools import islice
from faster_whisper import BatchedInferencePipeline, WhisperModel
model, path, variant, segments = sys.argv[1:]
whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
target = BatchedInferencePipeline(whisper) if variant == "batched" else whisper
call = {"vad_filter": True} if variant == "with VAD" else {}
found, _ = target.transcribe(path, temperature=[0.0], beam_size=1, **call)
list(islice(found, int(segments) or None))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one file took."""

    minutes: float
    variant: str
    idle_mib: int
    peak_mib: int
    samples_mib: int
    seconds: float
    direct_mib: int | None


class _EnoughError(Exception):
    """The first segments are there."""


async def _peak_bytes(process_id: int) -> int:
    """Watches until cancelled."""
    peak = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            peak = max(peak, resident_bytes(process_id))
            await asyncio.sleep(0.01)
    return peak


async def measure(model: str, path: Path, variant: str, segments: int) -> tuple[int, int]:
    """Resident bytes of a fresh engine process before the job, and at most during it."""
    left = segments

    def count(_: float) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise _EnoughError

    async with ProcessEngine(make_engine_config(model, cancel_timeout_s=0, job_timeout_s=24 * 3600)) as engine:
        assert engine.process_id is not None
        idle = resident_bytes(engine.process_id)
        watch = asyncio.create_task(_peak_bytes(engine.process_id))
        options = Options.model_validate({"temperature": [0.0], "beam_size": 1, **VARIANTS[variant]}, strict=False)
        with samples_of(path) as samples, contextlib.suppress(_EnoughError):
            await engine.transcribe(samples, options, count)
        watch.cancel()
        return idle, await watch


def samples_of(path: Path) -> Samples:
    """The joined file's samples, as the decoder would hand them over."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the samples own it
    with wave.open(str(path)) as wav:
        while frames := wav.readframes(SAMPLE_RATE_HZ * 60):
            file.write(frames)
        count = wav.getnframes()
    file.flush()
    return Samples(file, count, MediaInfo("wav", "pcm_s16le", SAMPLE_RATE_HZ, 1))


def measure_directly(model: str, path: Path, variant: str, segments: int) -> int:
    """Peak resident bytes of a process that calls faster-whisper on the file itself."""
    command = [sys.executable, "-c", DIRECT, str(located(model).path), str(path), variant, str(segments)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def figures(arguments: argparse.Namespace) -> Iterator[Figure]:
    """One for each length and variant, as they are measured."""
    with tempfile.TemporaryDirectory() as folder:
        for minutes in arguments.minutes:
            clips = [clip for clip in speech.CLIPS if clip.language == "en"]
            path = speech.join(clips, Path(folder, "long.wav"), at_least_s=minutes * 60)
            size = path.stat().st_size - WAV_HEADER_BYTES
            for variant in arguments.variants:
                started_s = time.perf_counter()
                idle, peak = asyncio.run(measure(arguments.model, path, variant, arguments.segments))
                seconds = time.perf_counter() - started_s
                direct = (
                    measure_directly(arguments.model, path, variant, arguments.segments) if arguments.direct else None
                )
                yield Figure(
                    minutes, variant, idle // MIB, peak // MIB, size // MIB, round(seconds, 1),
                    None if direct is None else direct // MIB,
                )  # fmt: skip


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60, 240])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--model", default="tiny.en")
    parser.add_argument("--segments", type=int, default=3, help="end after so many segments; 0: at the end of the file")
    parser.add_argument("--direct", action="store_true", help="a bare faster-whisper call beside it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    configure_logging(as_json=False, level=LogLevel.ERROR)
    if arguments.json:
        for figure in figures(arguments):
            print(json.dumps(asdict(figure)), flush=True)  # noqa: T201 - its output
        return
    table = Table(*(name.replace("_", " ") for name in Figure.__dataclass_fields__), title=arguments.model)
    for figure in figures(arguments):
        table.add_row(*("" if value is None else str(value) for value in asdict(figure).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
