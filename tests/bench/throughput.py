"""Seconds of audio done in a second, ours and a bare faster-whisper call's: `python -m tests.bench.throughput`.

Both have the same weights, compute type, threads and jobs at once, and the same file of speech; ours decodes in its
own process and transcribes in the engine's. They take turns, ours first and second alternately, after one round that
is not counted, so that what else the machine does hits both. Printed are medians, and the median of each turn's ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from contracts.requests import Mode, Options
from tests.bench.pair import Pair, paired
from tests.speech import CLIPS, join

MODELS: Final = ("tiny.en", "base")
ENGLISH: Final = tuple(clip for clip in CLIPS if clip.language == "en" and clip.is_scored)


@dataclass(frozen=True, slots=True)
class Figure:
    """One way of working."""

    model: str
    mode: str
    jobs: int
    ours: float
    """Seconds of audio in a second, over all jobs."""
    direct: float
    ratio: float
    """Ours ÷ direct, median of the turns."""
    lowest: float
    highest: float


async def seconds_of(work: Callable[[], Awaitable[object]], jobs: int) -> float:
    """How long so many jobs side by side take."""
    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(jobs)))
    return time.perf_counter() - started


async def measure(pair: Pair, path: Path, options: Options, *, jobs: int, turns: int) -> list[tuple[float, float]]:
    """Seconds of each turn, ours and the direct call's."""

    async def ours() -> float:
        return await seconds_of(lambda: pair.text(path, options), jobs)

    async def direct() -> float:
        return await seconds_of(lambda: asyncio.to_thread(pair.direct, path, options), jobs)

    found = []
    for turn in range(turns + 1):
        if turn % 2:
            first = await ours()
            found.append((first, await direct()))
        else:
            second = await direct()
            found.append((await ours(), second))
    return found[1:]


def figure(model: str, mode: str, jobs: int, audio_s: float, turns: list[tuple[float, float]]) -> Figure:
    """The medians of some turns."""
    ratios = [direct / ours for ours, direct in turns]
    return Figure(
        model, mode, jobs,
        ours=round(statistics.median(jobs * audio_s / ours for ours, _ in turns), 2),
        direct=round(statistics.median(jobs * audio_s / direct for _, direct in turns), 2),
        ratio=round(statistics.median(ratios), 3), lowest=round(min(ratios), 3), highest=round(max(ratios), 3),
    )  # fmt: skip


async def run(models: list[str], audio_s: float, turns: int) -> list[Figure]:
    """Every model, mode and number of jobs; on two cores one job has two threads, and two have one each."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = join(ENGLISH, Path(folder) / "speech.wav", at_least_s=audio_s)
        length_s = (path.stat().st_size - 44) / 2 / 16_000
        for model in models:
            for jobs in (1, 2):
                async with paired(model, slots=jobs, cpu_threads=max((os.cpu_count() or 1) // jobs, 1)) as pair:
                    for mode in Mode:
                        options = Options(language="en", temperature=(0.0,), mode=mode)
                        measured = await measure(pair, path, options, jobs=jobs, turns=turns)
                        found.append(figure(model, mode, jobs, length_s, measured))
    return found


def machine() -> str:
    """Processor, cores and what they were busy with before."""
    return f"{_processor()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} before"


def _processor() -> str:
    try:
        lines: Iterator[str] = iter(Path("/proc/cpuinfo").read_text().splitlines())
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _print(figures: list[Figure], title: str) -> None:
    table = Table(
        "model", "mode", "jobs", "ours, s/s", "direct, s/s", "ours ÷ direct", "lowest", "highest", title=title
    )
    for each in figures:
        cells: list[Any] = list(asdict(each).values())
        table.add_row(*(str(cell) for cell in cells))
    Console().print(table)


def main() -> None:
    """Prints a line for each way of working."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="may be repeated")
    parser.add_argument("--seconds", type=float, default=120.0, help="of speech in the file")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    before = machine()
    figures = asyncio.run(run(arguments.model or list(MODELS), arguments.seconds, arguments.turns))
    if arguments.json:
        print(json.dumps({"machine": before, "figures": [*map(asdict, figures)]}))  # noqa: T201 - its output
    else:
        _print(figures, before)


if __name__ == "__main__":
    main()
