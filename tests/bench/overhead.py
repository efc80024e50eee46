"""What steno adds to the engine's time, beside a raw loop of the same calls: `python -m tests.bench.overhead`.

Fake jobs on a short clip, against Kafka and a stub of S3 (or another store), the programs by turns in one run: time
from publish until a reader has the outcome, without the engine's, one job at a time; jobs a second with a full queue;
CPU milliseconds a job of the program itself and of its children. A raw loop has none, or steno's decoder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import signal
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests import media
from tests.bench.stub_store import stub_store
from tests.e2e.fleet import Deployment
from tests.processes import children_of, cpu_s_of
from tests.stack import broker, store
from tests.stack.clients import make_bucket, make_topic
from tests.stack.service import first_of

_STORES: Final[dict[str, Callable[[], AbstractContextManager[store.Store]]]] = {
    "stub": stub_store, "localstack": store.localstack, "given": store.given_store,
}  # fmt: skip
_PROGRAMS: Final = {
    "steno": ("consumer", "worker"),
    "raw loop": ("tests.bench.raw_loop",),
    "raw loop, our S3 client": ("tests.bench.raw_loop", "--tuned"),
    "raw loop that decodes": ("tests.bench.raw_loop", "--decode"),
}
_WARM_UP: Final = 20
_PARTITIONS: Final = 4
_CLIP_S: Final = 5


@dataclass(frozen=True)
class Figures:
    """One program in one round."""

    program: str
    p50_ms: float
    p99_ms: float
    jobs_per_s: float
    cpu_ms: float
    children_cpu_ms: float
    calls: float
    """Of the store, a job."""


class Meter:
    """Publishes jobs to one running program and reads its outcomes."""

    def __init__(self, deployment: Deployment, pid: int, media: str) -> None:
        self._deployment = deployment
        self._pid = pid
        self._media = media

    async def measure(self, program: str, singles: int, load: int) -> Figures:
        """Single jobs first, then a full queue."""
        bootstrap = self._deployment.bootstrap
        reader = AIOKafkaConsumer(
            self._deployment.results, bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=10
        )
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0) as producer, reader:
            await self._run_singles(producer, reader, _WARM_UP)
            overheads = await self._run_singles(producer, reader, singles)
            calls_before = await self._calls()
            used = [self._cpu_s(), self._children_cpu_s()]
            rate = await self._run_load(producer, reader, load)
            used = [self._cpu_s() - used[0], self._children_cpu_s() - used[1]]
            calls = (await self._calls() - calls_before) / load
        ordered = sorted(overheads)
        p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
        own, children = (1000 * seconds / load for seconds in used)
        return Figures(program, 1000 * statistics.median(ordered), 1000 * p99, rate, own, children, calls)

    async def _run_singles(self, producer: AIOKafkaProducer, reader: AIOKafkaConsumer, count: int) -> list[float]:
        overheads = []
        for _ in range(count):
            started_s = time.time()
            await self._publish(producer)
            record = await reader.getone()
            overheads.append(time.time() - started_s - json.loads(record.value)["engine_s"])
        return overheads

    async def _run_load(self, producer: AIOKafkaProducer, reader: AIOKafkaConsumer, count: int) -> float:
        """Jobs a second between the outcome at a tenth of the queue and the last one."""
        sent = [await self._publish(producer) for _ in range(count)]
        await asyncio.gather(*sent)
        outcomes: list[ConsumerRecord[bytes, bytes]] = []
        while len(outcomes) < count:
            await asyncio.sleep(0.5)
            batches = await reader.getmany()
            outcomes += [record for batch in batches.values() for record in batch]
        times = sorted(int(record.timestamp) for record in outcomes)
        first = count // 10
        return (count - first) / (times[-1] - times[first]) * 1000

    async def _publish(self, producer: AIOKafkaProducer) -> Any:
        job_id = f"job-{uuid.uuid4().hex}"
        request = {"job_id": job_id, "input": {"uri": self._media}}
        return await producer.send(self._deployment.requests, json.dumps(request).encode(), key=job_id.encode())

    async def _calls(self) -> int:
        endpoint = self._deployment.address.endpoint
        async with aiohttp.ClientSession() as session, session.get(endpoint) as response:
            return sum((await response.json()).values()) if response.content_type == "application/json" else 0

    def _cpu_s(self) -> float:
        return cpu_s_of(self._pid)

    def _children_cpu_s(self) -> float:
        return sum(cpu_s_of(child, with_reaped=True) for child in children_of(self._pid))


@contextmanager
def program(deployment: Deployment, name: str) -> Iterator[int]:
    """Runs steno's worker or the raw loop; gives its process id."""
    running = deployment.launch(*_PROGRAMS[name])
    try:
        yield running.process.pid
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)


async def run(arguments: argparse.Namespace) -> list[Figures]:
    """Both programs, by turns."""
    figures = []
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        kafka = first_of(broker.PROVIDERS, stack)
        s3 = stack.enter_context(_STORES[arguments.store]())
        clip = Path(folder) / "clip.wav"
        clip.write_bytes(media.make_wav(_CLIP_S * 16_000))
        rounds = [name for _ in range(arguments.rounds) for name in _PROGRAMS]
        for name in track(rounds, console=Console(stderr=True)):
            prefix = f"bench-{uuid.uuid4().hex[:8]}"
            settings = {
                "STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": str(arguments.slots),
                "STENO_LOG__LEVEL": arguments.log_level, "PYTHONPATH": str(Path(__file__).parents[2]),
            }  # fmt: skip
            deployment = Deployment(kafka.bootstrap, s3.address, prefix, Path(folder), settings)
            await make_bucket(s3.address, prefix)
            for topic in deployment.topics:
                await make_topic(kafka.bootstrap, topic, partitions=_PARTITIONS)
            uri = await deployment.upload(clip)
            with program(deployment, name) as pid:
                figures.append(await Meter(deployment, pid, uri).measure(name, arguments.singles, arguments.jobs))
    return figures


def show(figures: list[Figures]) -> None:
    """A table of medians over the rounds, and what steno is of each raw loop."""
    title = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    names = [name for name in asdict(figures[0]) if name != "program"]
    table = Table("program", *names, title=title)
    medians = {}
    for program_name in dict.fromkeys(found.program for found in figures):
        mine = [asdict(found) for found in figures if found.program == program_name]
        medians[program_name] = {name: statistics.median(found[name] for found in mine) for name in names}
        table.add_row(program_name, *(f"{medians[program_name][name]:.1f}" for name in names))
    for raw in [name for name in medians if name != "steno"]:
        ratios = [medians["steno"][name] / (medians[raw][name] or math.inf) for name in names]
        table.add_row(f"steno ÷ {raw}", *(f"{ratio:.2f}" if ratio else "" for ratio in ratios))
    Console().print(table)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=_STORES, default="stub")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = asyncio.run(run(arguments))
    if arguments.json:
        print(json.dumps([asdict(found) for found in figures]))  # noqa: T201 - its output
    else:
        show(figures)


if __name__ == "__main__":
    main()
