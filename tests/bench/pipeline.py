"""From publish to outcome through a whole worker, beside bare faster-whisper calls: `python -m tests.bench.pipeline`.

Long audio: one file, batched, one slot of all cores, against the batched call with as many threads. Short clips: many
jobs at once, one slot of one thread for each core, against one caller after another of all cores, which is how
faster-whisper is used by default. Ours counts everything: Kafka, fetch, decode, engine, results, outcome. They take
turns; ratios are above 1 where ours is faster.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests import direct, speech
from tests.bench.stub_store import stub_store
from tests.bench.throughput import ENGLISH, machine
from tests.e2e.fleet import Deployment
from tests.e2e.topic_reading import read_topic
from tests.engines import COMPUTE_TYPE, located
from tests.stack import broker
from tests.stack.clients import make_bucket, make_topic
from tests.stack.service import first_of

_CORES: Final = os.cpu_count() or 1
_TEMPERATURE: Final = [0.0]


@dataclass(frozen=True)
class Work:
    """What both sides have to do."""

    name: str
    mode: str
    slots: int
    paths: list[Path]
    audio_s: float


@dataclass(frozen=True)
class Figure:
    """One kind of work."""

    work: str
    model: str
    ours: float
    """Seconds of audio in a second."""
    bare: float
    ratio: float
    """Ours ÷ bare, median of the turns."""
    lowest: float
    highest: float


@asynccontextmanager
async def worker(stack: ExitStack, folder: Path, model: str, work: Work) -> AsyncIterator[Deployment]:
    """A deployment with one worker that is ready, and its clips in the store."""
    kafka, s3 = first_of(broker.PROVIDERS, stack), stack.enter_context(stub_store())
    prefix = f"bench-{uuid.uuid4().hex[:8]}"
    settings = {
        "STENO_ENGINE__MODEL": str(located(model).path), "STENO_ENGINE__DEVICE": "cpu",
        "STENO_ENGINE__COMPUTE_TYPE": COMPUTE_TYPE, "STENO_ENGINE__SLOTS": str(work.slots),
        "STENO_ENGINE__CPU_THREADS": str(max(_CORES // work.slots, 1)),
    }  # fmt: skip
    deployment = Deployment(kafka.bootstrap, s3.address, prefix, folder, settings)
    await make_bucket(s3.address, prefix)
    for topic in deployment.topics:
        await make_topic(kafka.bootstrap, topic, partitions=1)
    await deployment.start_worker()
    try:
        yield deployment
    finally:
        await deployment.close()


async def ours_s(deployment: Deployment, uris: list[str], mode: str, settled: int) -> float:
    """Seconds from the first publish to the last outcome; so many outcomes were there before."""
    options = {"language": "en", "temperature": _TEMPERATURE, "mode": mode}
    requests: list[dict[str, Any]] = [
        {"job_id": uuid.uuid4().hex, "input": {"uri": uri}, "options": options} for uri in uris
    ]
    started_s = time.time()
    await deployment.publish(*requests)
    records = await read_topic(deployment.bootstrap, deployment.results, settled + len(uris), within_s=3600)
    return max(int(record.timestamp) for record in records) / 1000 - started_s


async def bare_s(executor: Executor, model: str, work: Work) -> float:
    """Seconds of the bare calls, one after another."""
    bare = direct.Bare(located(model).path, COMPUTE_TYPE, _CORES)
    call = {"language": "en", "temperature": _TEMPERATURE}
    started_s = time.perf_counter()
    for path in work.paths:
        await asyncio.get_running_loop().run_in_executor(executor, direct.ask, bare, path, work.mode, call)
    return time.perf_counter() - started_s


async def measure(model: str, work: Work, folder: Path, turns: int) -> Figure:
    """Both by turns, after one that is not counted."""
    found: list[tuple[float, float]] = []
    with ExitStack() as stack, direct.process() as executor:
        async with worker(stack, folder, model, work) as deployment:
            uris = [await deployment.upload(path) for path in work.paths]
            for turn in range(turns + 1):
                mine = await ours_s(deployment, uris, work.mode, turn * len(uris))
                found.append((mine, await bare_s(executor, model, work)))
    counted = found[1:]
    ratios = [bare / mine for mine, bare in counted]
    return Figure(
        work.name, model,
        ours=round(statistics.median(work.audio_s / mine for mine, _ in counted), 1),
        bare=round(statistics.median(work.audio_s / bare for _, bare in counted), 1),
        ratio=round(statistics.median(ratios), 3), lowest=round(min(ratios), 3), highest=round(max(ratios), 3),
    )  # fmt: skip


def works(folder: Path, long_s: float, clips: int) -> list[Work]:
    """Long audio, and short clips."""
    long = speech.join(ENGLISH, folder / "long.wav", at_least_s=long_s)
    short = [ENGLISH[number % len(ENGLISH)] for number in range(clips)]
    return [
        Work(f"one file of {long_s:.0f} s, batched", "batched", 1, [long], _seconds(long)),
        Work(
            f"{clips} clips, sequential", "sequential", _CORES, [clip.path for clip in short],
            sum(clip.seconds for clip in short),
        ),
    ]  # fmt: skip


def _seconds(wav: Path) -> float:
    return (wav.stat().st_size - 44) / 2 / 16_000


async def run(arguments: argparse.Namespace) -> list[Figure]:
    """Every kind of work with every model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = works(folder, arguments.seconds, arguments.clips)
        return [
            await measure(model, work, folder, arguments.turns)
            for model in arguments.model or ["tiny.en"]
            for work in every
        ]


def main() -> None:
    """Prints a line for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="may be repeated")
    parser.add_argument("--seconds", type=float, default=600.0, help="of speech in the long file")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    before = machine()
    figures = asyncio.run(run(arguments))
    if arguments.json:
        print(json.dumps({"machine": before, "figures": [*map(asdict, figures)]}))  # noqa: T201 - its output
        return
    table = Table("work", "model", "ours, s/s", "bare, s/s", "ours ÷ bare", "lowest", "highest", title=before)
    for each in figures:
        table.add_row(*(str(cell) for cell in asdict(each).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
