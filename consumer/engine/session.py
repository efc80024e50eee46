"""One life of the engine process: started, models loaded, jobs under way, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable
from typing import Final, Self

from pydantic import JsonValue

from consumer.children.channel import ChannelClosedError
from consumer.engine import protocol
from consumer.engine.config import EngineConfig, ModelSpec
from consumer.engine.job import Blame, Cause, Ended, Job, blame, cause_of_delay
from consumer.engine.launch import DiedError, EngineProcess, LoadError, SessionEndedError, StartError
from consumer.engine.memory import OutgrownError, outgrown, outgrows, require_room, resident_bytes
from consumer.ports import Samples
from contracts.requests import Mode

_DRAIN_S: Final = 1.0
"""How long a killed process may take to close the channel: one in a driver's call does not even die."""


class Session:
    """A running engine process. Make one with `open`, end it with `close`."""

    def __init__(
        self, process: EngineProcess, opened: protocol.Opened, config: EngineConfig, on_end: Callable[[Session], None]
    ) -> None:
        """Takes over a process that has opened its device."""
        self.opened = opened
        self.finished_jobs = 0
        self.has_begun = False
        """Whether any job has begun in it."""
        self.loaded: dict[str, protocol.Loaded] = {}
        """Models that are ready, the longest unused first."""
        self.how = ""
        """How the process ended, once it has."""
        self.cause = Cause.CRASH
        self.load_s = 0.0  # of the latest load
        self._process = process
        self._config = config
        self._on_end = on_end
        self._jobs: dict[int, Job] = {}
        self._loading: dict[str, asyncio.Future[protocol.Loaded]] = {}
        self._ids = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._moved_s = 0.0
        """When last something came of any job, by the loop's clock."""
        self._sends: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())
        self._watch = asyncio.create_task(self._watch_memory()) if config.max_rss_bytes else None

    @classmethod
    async def open(cls, config: EngineConfig, on_end: Callable[[Session], None]) -> Self:
        """Starts a process and waits until the default model is loaded.

        Args:
            config: what to load.
            on_end: called in the loop, once, when the process has ended, before its jobs hear of it; not for one
                that does not come up.

        Raises:
            StartError: it did not come up, or has no room for jobs.
        """
        process, opened = await EngineProcess.launch(config)
        session = cls(process, opened, config, lambda _: None)
        try:
            await session._come_up()
        except BaseException:
            await session.close()
            raise
        session._on_end = on_end
        return session

    async def _come_up(self) -> None:
        try:
            await self.load(self._config.models[0])
            require_room(self.process_id, self._config.max_rss_bytes)
        except LoadError as exc:
            raise StartError(str(exc)) from exc
        except SessionEndedError as exc:
            raise (OutgrownError if self.cause is Cause.MEMORY else DiedError)(str(exc)) from exc
        if self.cause is Cause.MEMORY:  # just now, by the watch
            raise OutgrownError(outgrown(self._config.max_rss_bytes))
        if self.how:
            raise DiedError(self.how)

    @property
    def is_watched(self) -> bool:
        """Whether somebody will hear of the process's end."""
        return not self._reader.done()

    @property
    def process_id(self) -> int:
        """The process's id."""
        return self._process.child.process.pid

    @property
    def resident_bytes(self) -> int:
        """What the process holds in memory now."""
        return resident_bytes(self.process_id)

    async def load(self, spec: ModelSpec) -> None:
        """Has a model loaded, at most `load_timeout_s`; jobs go on meanwhile.

        Raises:
            LoadError: it cannot be loaded, or not in time.
            SessionEndedError: the process ended meanwhile.
        """
        started_s = self._loop.time()
        answer = self._loading[spec.name] = self._loop.create_future()
        self._send(protocol.Load(spec.name, str(spec.path)))
        try:
            async with asyncio.timeout(self._config.load_timeout_s):
                await answer
        except TimeoutError as exc:
            self.kill(Cause.STUCK)  # nothing else ends a load that hangs
            raise LoadError(f"not loaded within {self._config.load_timeout_s:g} s") from exc
        self.load_s = self._loop.time() - started_s

    def unload(self, name: str) -> None:
        """Drops a model that no job uses."""
        del self.loaded[name]
        self._send(protocol.Unload(name))

    def start(self, samples: Samples, model: str, mode: Mode, arguments: dict[str, JsonValue]) -> Job:
        """Sends a job; its replies arrive at the returned job. The samples may be closed from now on."""
        self.loaded[model] = self.loaded.pop(model)  # the latest used
        job = Job(next(self._ids))
        self._jobs[job.id] = job
        if len(self._jobs) > 1:
            for each in self._jobs.values():
                each.had_company = True
        if self.how:  # it has ended since this job's turn came
            job.take(Ended(self.how, self.cause, Blame.NONE))
            return job
        self._send(protocol.Start(job.id, model, samples.count, mode, arguments), os.dup(samples.file.fileno()))
        return job

    def end_overdue(self, job: Job, deadline_s: float) -> None:
        """Ends the process because of a job that was to be over by now; that job hears of it like the others."""
        job.is_overdue = self._is_alive  # else it shares the fate of one that was due before
        self.kill(cause_of_delay(deadline_s, silent_s=self._loop.time() - self._moved_s))

    async def cancel(self, job: Job, *, timeout_s: float) -> None:
        """Stops a job between two segments; kills the process when that takes longer."""
        job.is_cancelled = True
        if not job.is_over.is_set():
            self._send(protocol.Cancel(job.id))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await job.is_over.wait()
            return
        self.kill(Cause.STUCK)
        await asyncio.shield(self._reader)

    def kill(self, cause: Cause) -> None:
        """Ends the process at once; its jobs hear of it within seconds. The first cause counts."""
        if self._is_alive:
            self.cause = cause
        self._process.child.send_kill()
        self._loop.call_later(_DRAIN_S, self._process.channel.close)

    async def close(self) -> None:
        """Ends the process and waits until it is gone; bounded in time."""
        self.kill(Cause.CLOSED)
        await asyncio.shield(self._reader)

    @property
    def _is_alive(self) -> bool:
        return self.cause is Cause.CRASH and not self._reader.done()

    def _send(self, order: protocol.Order, descriptor: int | None = None) -> None:
        task = asyncio.create_task(self._deliver(order, [] if descriptor is None else [descriptor]))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)
        if descriptor is not None:
            task.add_done_callback(lambda _: os.close(descriptor))

    async def _deliver(self, order: protocol.Order, descriptors: list[int]) -> None:
        """A task of its own, so that no cancellation leaves half a message on the channel."""
        with contextlib.suppress(ChannelClosedError):  # the reader sees the same end and tells the jobs
            await self._process.channel.send(protocol.pack(order), descriptors)

    async def _read(self) -> None:
        with contextlib.suppress(ChannelClosedError, protocol.ProtocolError):
            while True:
                self._route(protocol.unpack_reply(await self._process.channel.receive()))
        await self._finish()

    def _route(self, reply: protocol.Reply) -> None:
        match reply:
            case protocol.Opened() | protocol.OpenFailed():
                raise protocol.ProtocolError("opened twice")
            case protocol.Loaded() | protocol.LoadFailed():
                self._answer_load(reply)
            case _:
                self._answer_job(reply)

    def _answer_load(self, reply: protocol.Loaded | protocol.LoadFailed) -> None:
        answer = self._loading.pop(reply.model, None)
        if answer is None:
            raise protocol.ProtocolError("a model that nobody asked for")
        if isinstance(reply, protocol.Loaded):
            self.loaded[reply.model] = reply
            if not answer.done():
                answer.set_result(reply)
        elif not answer.done():
            answer.set_exception(LoadError(reply.message))

    def _answer_job(self, reply: protocol.JobReply) -> None:
        job = self._jobs.get(reply.job)
        if job is None:
            raise protocol.ProtocolError("a reply to no job")
        self.has_begun = True
        job.take(reply)
        if isinstance(reply, protocol.Begun):
            return  # which Python says, before anything is computed
        self._moved_s = self._loop.time()
        if not isinstance(reply, protocol.SegmentFound):
            del self._jobs[reply.job]
            self.finished_jobs += 1

    async def _watch_memory(self) -> None:
        await outgrows(self.process_id, self._config.max_rss_bytes)
        self.kill(Cause.MEMORY)

    async def _finish(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for task in self._sends:
            task.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        how = await self._process.end()
        self.how = outgrown(self._config.max_rss_bytes) if self.cause is Cause.MEMORY else how
        self._on_end(self)
        is_loading = bool(self._loading)
        for answer in self._loading.values():
            if not answer.done():
                answer.set_exception(SessionEndedError(self.how))
        for job in self._jobs.values():
            job.take(Ended(self.how, self.cause, blame(job, self.cause, self._jobs.values(), is_loading=is_loading)))
