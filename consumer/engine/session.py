"""One life of the engine process: started, model loaded, jobs under way, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from pydantic import JsonValue

from consumer.children.channel import ChannelClosedError
from consumer.children.process import Child, spawn
from consumer.engine.config import EngineConfig
from consumer.engine.protocol import (
    Cancel,
    JobReply,
    Load,
    Loaded,
    LoadFailed,
    Order,
    ProtocolError,
    Reply,
    SegmentFound,
    Start,
    pack,
    unpack_reply,
)
from consumer.ports import Samples
from contracts.requests import Mode

RUNTIME: Final = "consumer.engine.runtime"
_TAIL_BYTES: Final = 4096
_INHERITED: Final = (
    "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH", "MKL_NUM_THREADS",
    "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TMPDIR",
)  # fmt: skip
"""Variables by which a device and its libraries are found; no credentials and no settings of ours."""


class StartError(Exception):
    """The engine process did not come up; the message says why."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The process ended in the midst of a job."""

    how: str


@dataclass(eq=False, slots=True)
class Job:
    """A job under way; its replies come in order, the last is no `SegmentFound`."""

    id: int
    replies: asyncio.Queue[JobReply | Ended] = field(default_factory=asyncio.Queue)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, reply: JobReply | Ended) -> None:
        """Adds a reply."""
        self.replies.put_nowait(reply)
        if not isinstance(reply, SegmentFound):
            self.is_over.set()


class Session:
    """A running engine process with its model loaded. Make one with `open`, end it with `close`."""

    def __init__(self, child: Child, tail: Tail, loaded: Loaded, on_end: Callable[[Session], None]) -> None:
        """Takes over a child that has loaded its model."""
        self.loaded = loaded
        self.finished_jobs = 0
        self.how = ""
        """How the process ended, once it has."""
        self._child = child
        self._tail = tail
        self._on_end = on_end
        self._jobs: dict[int, Job] = {}
        self._ids = itertools.count(1)
        self._sends: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, config: EngineConfig, on_end: Callable[[Session], None]) -> Self:
        """Starts a process and waits until its model is loaded, at most `load_timeout_s`.

        Args:
            config: what to load.
            on_end: called in the loop, once, when the process has ended, before its jobs hear of it.

        Raises:
            StartError: it did not come up.
        """
        try:
            child = await spawn(RUNTIME, environment=_environment(), stderr=asyncio.subprocess.PIPE)
        except OSError as exc:
            raise StartError(f"the engine process cannot be started: {exc}") from exc
        tail = Tail(child)
        try:
            async with asyncio.timeout(config.load_timeout_s):
                return cls(child, tail, await _load(child, config), on_end)
        except (ChannelClosedError, ProtocolError, TimeoutError) as exc:
            late = f" (no answer in {config.load_timeout_s:g} s)" if isinstance(exc, TimeoutError) else ""
            raise StartError(f"loading the model, {await _end(child, tail)}{late}") from exc
        except BaseException:
            await _end(child, tail)
            raise

    @property
    def process_id(self) -> int:
        """The process's id."""
        return self._child.process.pid

    def start(self, samples: Samples, mode: Mode, arguments: dict[str, JsonValue]) -> Job:
        """Sends a job; its replies arrive at the returned job. The samples may be closed from now on."""
        job = Job(next(self._ids))
        self._jobs[job.id] = job
        self._send(Start(job.id, samples.count, mode, arguments), os.dup(samples.file.fileno()))
        return job

    async def cancel(self, job: Job, *, timeout_s: float) -> None:
        """Stops a job between two segments; kills the process when that takes longer."""
        if not job.is_over.is_set():
            self._send(Cancel(job.id), None)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(job.is_over.wait(), timeout_s)
            return
        self.kill()
        await asyncio.shield(self._reader)

    def kill(self) -> None:
        """Ends the process at once; its jobs hear of it when it is gone."""
        self._child.send_kill()

    async def close(self) -> None:
        """Ends the process and waits until it is gone; bounded in time."""
        self.kill()
        await asyncio.shield(self._reader)

    def _send(self, order: Order, descriptor: int | None) -> None:
        task = asyncio.create_task(self._deliver(order, [] if descriptor is None else [descriptor]))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)
        if descriptor is not None:
            task.add_done_callback(lambda _: os.close(descriptor))

    async def _deliver(self, order: Order, descriptors: list[int]) -> None:
        """A task of its own, so that no cancellation leaves half a message on the channel."""
        with contextlib.suppress(ChannelClosedError):  # the reader sees the same end and tells the jobs
            await self._child.channel.send(pack(order), descriptors)

    async def _read(self) -> None:
        with contextlib.suppress(ChannelClosedError, ProtocolError):
            while True:
                self._route(unpack_reply(await self._child.channel.receive()))
        await self._finish()

    def _route(self, reply: Reply) -> None:
        if isinstance(reply, Loaded | LoadFailed):
            raise ProtocolError("loaded twice")
        job = self._jobs.get(reply.job)
        if job is None:
            raise ProtocolError("a reply to no job")
        if not isinstance(reply, SegmentFound):
            del self._jobs[reply.job]
            self.finished_jobs += 1
        job.take(reply)

    async def _finish(self) -> None:
        for task in self._sends:
            task.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        self.how = await _end(self._child, self._tail)
        self._on_end(self)
        for job in self._jobs.values():
            job.take(Ended(self.how))


class Tail:
    """The last of what a child wrote to its standard error, drained as it comes."""

    def __init__(self, child: Child) -> None:
        """Starts to read."""
        self._bytes = bytearray()
        self._task = asyncio.create_task(self._drain(child))

    async def text(self, *, timeout_s: float = 1.0) -> str:
        """What there is, after the end of the child or the timeout."""
        await asyncio.wait((self._task,), timeout=timeout_s)
        self._task.cancel()
        return self._bytes.decode(errors="replace").strip()

    async def _drain(self, child: Child) -> None:
        stream = child.process.stderr
        while stream is not None and (chunk := await stream.read(_TAIL_BYTES)):
            self._bytes += chunk
            del self._bytes[:-_TAIL_BYTES]


async def _load(child: Child, config: EngineConfig) -> Loaded:
    order = Load(str(config.model_path), config.device, config.compute_type, config.cpu_threads)
    await child.channel.send(pack(order))
    match unpack_reply(await child.channel.receive()):
        case Loaded() as loaded:
            return loaded
        case LoadFailed(message=message):
            raise StartError(message)
        case _:
            raise ProtocolError("a job's reply while loading")


async def _end(child: Child, tail: Tail) -> str:
    try:
        status = await child.kill()
    except TimeoutError:
        return "the engine process does not end"
    return describe_end(status, await tail.text())


def describe_end(status: int, stderr: str) -> str:
    """A clause on how the process ended, with the last line it wrote."""
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit code {status}"
    last = f": {stderr.splitlines()[-1][:300]}" if stderr else ""
    return f"the engine process {how}{last}"


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
