"""One life of the engine process: started, model loaded, jobs under way, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from pydantic import JsonValue

from consumer.children.channel import ChannelClosedError
from consumer.engine.config import EngineConfig
from consumer.engine.launch import EngineProcess
from consumer.engine.protocol import (
    Cancel,
    JobReply,
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

    def __init__(self, process: EngineProcess, loaded: Loaded, on_end: Callable[[Session], None]) -> None:
        """Takes over a process that has loaded its model."""
        self.loaded = loaded
        self.finished_jobs = 0
        self.how = ""
        """How the process ended, once it has."""
        self._process = process
        self._on_end = on_end
        self._jobs: dict[int, Job] = {}
        self._ids = itertools.count(1)
        self._sends: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, config: EngineConfig, on_end: Callable[[Session], None]) -> Self:
        """Starts a process and waits until its model is loaded.

        Args:
            config: what to load.
            on_end: called in the loop, once, when the process has ended, before its jobs hear of it.

        Raises:
            StartError: it did not come up.
        """
        process, loaded = await EngineProcess.launch(config)
        return cls(process, loaded, on_end)

    @property
    def process_id(self) -> int:
        """The process's id."""
        return self._process.child.process.pid

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
        self._process.child.send_kill()

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
            await self._process.channel.send(pack(order), descriptors)

    async def _read(self) -> None:
        with contextlib.suppress(ChannelClosedError, ProtocolError):
            while True:
                self._route(unpack_reply(await self._process.channel.receive()))
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
        self.how = await self._process.end()
        self._on_end(self)
        for job in self._jobs.values():
            job.take(Ended(self.how))
