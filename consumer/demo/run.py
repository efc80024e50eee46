"""The demo: stack up, worker ready, files in, transcripts out, everything down."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.core.failures import ExitCode, FatalError
from consumer.core.ladder import Ladder
from consumer.demo.commands import Commands
from consumer.demo.embedded import Stack, embedded_stack
from consumer.demo.results import Result, copy_result_sets, read_results
from consumer.environment import as_environment
from consumer.settings import RetrySettings, S3Settings, TopicSettings

WORKER_LOG: Final = "worker.log"
_JOB_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to show."""

    files: tuple[Path, ...]
    """Absolute."""
    model: str
    """A name, or an absolute path."""
    models_dir: Path
    out: Path
    """Folder for copies of the result sets and the worker's log; absolute."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo came to."""

    results: tuple[Result, ...]
    start_s: float
    """Until the worker was ready."""
    work_s: float
    """From the first upload to the last transcript."""
    exports: tuple[str, ...]
    """Lines for a shell that shall use the services by hand."""


@contextlib.asynccontextmanager
async def shown(plan: Plan, say: Callable[[str], None]) -> AsyncIterator[Shown]:
    """Shows the plan; the services stay up for as long as the context.

    Args:
        plan: what to show.
        say: hears what is going on, a line at a time.

    Raises:
        FatalError: a part does not start, or the folder cannot be written.
    """
    started = time.perf_counter()
    _make_folder(plan.out)
    async with contextlib.AsyncExitStack() as parts:
        say("starting an S3 server and a Kafka broker in memory")
        stack = await parts.enter_async_context(embedded_stack(buckets=S3Settings().buckets, topics=_topics()))
        commands = Commands(_services(stack), Path(parts.enter_context(tempfile.TemporaryDirectory())))
        say(f"starting a worker with the model {plan.model}")
        worker = as_environment(
            {"engine.model": plan.model, "models.dir": plan.models_dir, "worker.id": "demo", "retry.delays_ms": "none"}
        )
        await parts.enter_async_context(commands.worker(worker, plan.out / WORKER_LOG))
        ready = time.perf_counter()
        say(f"ready after {ready - started:.1f} s; submitting {len(plan.files)} files")
        lines = await commands.submit(plan.files, timeout_s=_JOB_S)
        work_s = time.perf_counter() - ready
        results = read_results(plan.files, lines)
        await copy_result_sets(stack, results, plan.out)
        exports = tuple(f"export {name}={value}" for name, value in _services(stack).items())
        yield Shown(results, start_s=ready - started, work_s=work_s, exports=exports)


async def asked_to_end() -> None:
    """Waits for Ctrl-C or SIGTERM."""
    asked = asyncio.Event()
    with _signals(asked.set):
        await asked.wait()


def _topics() -> tuple[str, ...]:
    """Those of a worker with no settings; the demo's own tries nothing again, so that a failure shows at once."""
    topics = TopicSettings()
    return tuple(spec.name for spec in topics.specs(Ladder(topics.requests, RetrySettings().delays_ms).topics))


def _services(stack: Stack) -> dict[str, str]:
    return {**stack.aws_environment, **as_environment({"kafka.bootstrap_servers": stack.kafka})}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        text = f"the folder {folder} cannot be made ({exc.strerror}); name another one with --out"
        raise FatalError(ExitCode.MISUSE, text) from exc


@contextlib.contextmanager
def _signals(ask: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
