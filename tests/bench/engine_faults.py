"""What an engine process that ends costs the two jobs in it: `python -m tests.bench.engine_faults`.

Each fault is played with the fake and, where it comes from outside, with a real model. `ready_s` is the time from the
end of the process to the next one with its model loaded; `all_s` until both jobs were settled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from rich.console import Console
from rich.table import Table

from consumer.adapters.telemetry import configure_logging
from consumer.core.failures import JobError
from consumer.engine.config import EngineConfig
from consumer.engine.supervisor import ProcessEngine
from consumer.ports import Samples
from contracts.requests import Options
from tests.engines import make_engine_config, make_fake_config, make_noise, make_samples
from tests.speech import ENGLISH, LONGEST
from tests.waiting import until

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, and what the two jobs say in their hotwords (for the fake)."""

    name: str
    config: Callable[[], EngineConfig]
    words: tuple[str | None, str | None]
    signal_number: signal.Signals | None = None
    """Sent from outside, once both jobs are under way."""
    seconds: float = 1.0
    """Of audio, at least."""


@dataclass(frozen=True, slots=True)
class Figure:
    """How it ended."""

    engine: str
    fault: str
    first_job: str
    second_job: str
    ready_s: float
    all_s: float


def fake() -> EngineConfig:
    """Two slots, a deadline of 1.5 s."""
    return make_fake_config(job_timeout_s=1.5)


def fake_with_a_limit() -> EngineConfig:
    """At most 200 MiB."""
    return replace(fake(), max_rss_bytes=200 * MIB)


def real() -> EngineConfig:
    """`tiny.en` in two slots."""
    return make_engine_config(slots=2)


def real_with_a_deadline() -> EngineConfig:
    """A deadline that the longest clip keeps."""
    return replace(real(), job_timeout_s=20)


def real_with_a_limit() -> EngineConfig:
    """Enough memory to load the model, at 240 MiB, and too little for minutes of speech."""
    return replace(real(), max_rss_bytes=280 * MIB)


SLOW = "fake:slow=0.7"
FAULTS = (
    Fault("SIGKILL from outside", fake, (SLOW, SLOW), signal.SIGKILL),
    Fault("SIGSEGV from outside", fake, (SLOW, SLOW), signal.SIGSEGV),
    Fault("the first job crashes it (SIGSEGV)", fake, ("fake:slow=0.3 fake:crash", SLOW)),
    Fault("the first job aborts it (SIGABRT)", fake, ("fake:slow=0.3 fake:abort", SLOW)),
    Fault("SIGSTOP from outside", fake, (SLOW, SLOW), signal.SIGSTOP),
    Fault("the first job hangs, nothing comes of the second", fake, ("fake:hang", "fake:slow=1.45")),
    Fault("the first job hangs, the second gets on", fake, ("fake:hang", "fake:slow=0.2"), seconds=200),
    Fault("the first job stops the whole process", fake, ("fake:freeze", SLOW)),
    Fault("the device has no memory for the first job", fake, ("fake:slow=0.3 fake:oom", SLOW)),
    Fault("the first job takes 300 MiB of 200", fake_with_a_limit, (f"fake:leak={300 * MIB} fake:slow=1", SLOW)),
    Fault("SIGKILL from outside", real, (None, None), signal.SIGKILL),
    Fault("SIGSEGV from outside", real, (None, None), signal.SIGSEGV),
    Fault("SIGSTOP from outside", real_with_a_deadline, (None, None), signal.SIGSTOP),
    Fault("each job takes more than 280 MiB", real_with_a_limit, (None, None), seconds=300),
)


async def play(fault: Fault) -> Figure:
    """Runs the two jobs and watches."""
    config = fault.config()
    is_fake = config.backend.value == "fake"
    async with ProcessEngine(config) as engine:
        first = engine.process_id
        ended_s, ready_s = asyncio.create_task(_gone(engine, first)), asyncio.create_task(_ready(engine, first))
        started_s = time.perf_counter()
        jobs: list[asyncio.Task[str]] = []
        for place, words in enumerate(fault.words):
            samples = (
                make_noise(fault.seconds)
                if is_fake
                else make_samples((LONGEST, ENGLISH)[place], at_least_s=fault.seconds)
            )
            jobs.append(asyncio.create_task(outcome(engine, samples, words)))
            await asyncio.sleep(0.1)
        if fault.signal_number is not None and first is not None:
            os.kill(first, fault.signal_number)
        first_end, second_end = await asyncio.gather(*jobs)
        all_s = time.perf_counter() - started_s
        ready = round(await ready_s - await ended_s, 2)
    return Figure(config.backend.value, fault.name, first_end, second_end, ready, round(all_s, 2))


async def _gone(engine: ProcessEngine, first: int | None) -> float:
    await until(lambda: engine.process_id != first, "the end", every_s=0.005, within_s=60)
    return time.perf_counter()


async def _ready(engine: ProcessEngine, first: int | None) -> float:
    await until(lambda: engine.process_id not in (None, first), "the next process", every_s=0.005, within_s=60)
    return time.perf_counter()


async def outcome(engine: ProcessEngine, samples: Samples, words: str | None) -> str:
    """`done`, or the code of the error."""
    with samples:
        try:
            await engine.transcribe(samples, Options(hotwords=words, temperature=(0.0,)), lambda _: None)
        except JobError as exc:
            return exc.code.value
    return "done"


def figures() -> Iterator[Figure]:
    """One for each fault."""
    for fault in FAULTS:
        yield asyncio.run(play(fault))


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    configure_logging(as_json=False, level="critical")
    if arguments.json:
        for figure in figures():
            print(json.dumps(asdict(figure)), flush=True)  # noqa: T201 - its output
        return
    table = Table(*(name.replace("_", " ") for name in Figure.__dataclass_fields__))
    for figure in figures():
        table.add_row(*("" if value is None else str(value) for value in asdict(figure).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
