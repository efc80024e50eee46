"""Hands waiting jobs to the engine process: one after another, when a slot is free and their model is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from consumer.core.failures import OutageError
from consumer.engine.config import EngineConfig, ModelSpec
from consumer.engine.job import Cause
from consumer.engine.keeper import Keeper
from consumer.engine.launch import LoadError, SessionEndedError
from consumer.engine.line import Admit, Fetch, Line, Rules, Running, Waiting, next_step
from consumer.engine.session import Session
from consumer.engine.suspects import Suspects
from consumer.engine.tally import Tally
from contracts.errors import ErrorCode

_DEADLY: Final = "loading it has ended the engine process repeatedly; it is tried again after a pause"
log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Ticket:
    """A job's place, from its arrival until its slot is free again."""

    model: ModelSpec
    turn: asyncio.Future[Session]
    """Answered when the job may start: at once, before anything else is awaited."""
    on_loading: Callable[[], None]
    goes_alone: bool = False
    passed_by: int = 0


class Desk:
    """Keeps the waiting and the running. All calls come from the loop. Implements `keeper.Listener`."""

    def __init__(self, config: EngineConfig) -> None:
        """Nothing waits."""
        self._specs: Final = {spec.name: spec for spec in config.models}
        self._config = config
        self._keeper = Keeper(config, self)
        self._rules = Rules(0, 0, {})
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._loading: str | None = None
        self._suspects: Final = Suspects()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._due: str | None = None
        """Why the process is to be replaced as soon as nothing runs in it."""

    async def open(self) -> Session:
        """Starts the process and loads the default model.

        Raises:
            StartError: it did not come up.
        """
        session = await self._keeper.open()
        sizes = {name: spec.size_bytes for name, spec in self._specs.items()}
        self._rules = Rules(session.opened.slots, self._config.models_bytes, sizes)
        return session

    async def close(self) -> None:
        """Ends the process and tells who waits; bounded in time."""
        self._is_closing = True
        await self._keeper.close()
        self._disappoint(None, "the engine was closed")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def session(self) -> Session | None:
        """The running process; None during a restart."""
        return self._keeper.session

    @property
    def is_supervising(self) -> bool:
        """Whether the process is watched, or on its way up again."""
        return self._keeper.is_supervising

    @property
    def tally(self) -> Tally:
        """What happened so far."""
        return self._keeper.tally

    @property
    def loading(self) -> str | None:
        """The model that is being loaded beside the running jobs."""
        return self._loading

    def enter(self, model: ModelSpec, on_loading: Callable[[], None], *, goes_alone: bool = False) -> Ticket:
        """Takes a place at the end of the line."""
        ticket = Ticket(model, asyncio.get_running_loop().create_future(), on_loading, goes_alone)
        self._waiting.append(ticket)
        if self._is_closing:
            self._disappoint(None, "the engine was closed")
        elif model.name in self._barred and (self.session is None or model.name not in self.session.loaded):
            self._disappoint(model.name, _DEADLY)
        if self.session is None or self._loading == model.name:
            on_loading()
        self._advance()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Gives up a place in line, or a slot."""
        for places in (self._waiting, self._running):
            if ticket in places:
                places.remove(ticket)
        if not ticket.turn.cancel() and not ticket.turn.cancelled():
            ticket.turn.exception()  # whoever was cancelled just now did not look, and asyncio would complain
        self._recycle_if_due()
        self._advance()

    def retire(self, reason: str) -> None:
        """Has the process replaced once the jobs in it are over; none is started in it any more."""
        self._due = self._due or reason
        self._recycle_if_due()

    def on_ready(self) -> None:
        """Lets the next jobs start."""
        self._due = None
        self._advance()

    def on_start_failed(self, reason: str) -> None:
        """Tells all that wait."""
        self._disappoint(None, reason)

    def _advance(self) -> None:
        while (session := self.session) is not None and self._can_start:
            match next_step(self._line(session), self._rules):
                case Admit(job=place):
                    self._admit(place, session)
                case Fetch(model=name, drop=drop):
                    self._fetch(name, drop, session)
                case None:
                    return

    @property
    def _can_start(self) -> bool:
        return self._due is None and not self._is_closing

    def _line(self, session: Session) -> Line:
        waiting = [
            Waiting(place, ticket.model.name, ticket.goes_alone, ticket.passed_by)
            for place, ticket in enumerate(self._waiting)
        ]
        running = [Running(ticket.model.name, ticket.goes_alone) for ticket in self._running]
        return Line(waiting, running, tuple(session.loaded), self._loading, self._suspects.names, self._barred)

    @property
    def _barred(self) -> frozenset[str]:
        return self._suspects.barred(asyncio.get_running_loop().time())

    def _add_death(self, spec: ModelSpec, session: Session) -> None:
        """The default model is loaded at the start: its deaths are failed starts."""
        if session.cause is not Cause.CLOSED and spec != self._config.models[0]:
            self._suspects.add_death(spec.name, asyncio.get_running_loop().time())

    def _admit(self, place: int, session: Session) -> None:
        ticket = self._waiting.pop(place)
        for passed in self._waiting[:place]:
            passed.passed_by += not ticket.goes_alone
        self._running.append(ticket)
        if not ticket.turn.done():  # else its owner was cancelled just now, and leaves in a moment
            ticket.turn.set_result(session)

    def _fetch(self, name: str, drop: tuple[str, ...], session: Session) -> None:
        for each in drop:
            session.unload(each)
        self.tally.evictions += len(drop)
        log.info("model_loading", model=name, dropped=list(drop))
        self._loading = name
        for ticket in self._waiting:
            if ticket.model.name == name:
                ticket.on_loading()
        self._keep(asyncio.create_task(self._load(self._specs[name], session)))

    async def _load(self, spec: ModelSpec, session: Session) -> None:
        try:
            await session.load(spec)
        except SessionEndedError:
            self._loading = None  # those who wait for it wait for the next process
            if session.cause is not Cause.STUCK:  # else a job hung by itself
                self._add_death(spec, session)
            if spec.name in self._barred:
                log.error("model_load_failed", model=spec.name, reason=_DEADLY)  # noqa: TRY400 - no defect
                self._disappoint(spec.name, _DEADLY)
        except LoadError as exc:
            self._loading = None
            self.tally.load_failures += 1
            if session.cause is Cause.STUCK:  # it hung
                self._add_death(spec, session)
            log.error("model_load_failed", model=spec.name, reason=str(exc))  # noqa: TRY400 - no defect
            self._disappoint(spec.name, str(exc))
        else:
            self._loading = None
            self.tally.add_load(session.load_s)
            self._suspects.clear(spec.name)
            log.info("model_loaded", model=spec.name)
        self._advance()

    def _recycle_if_due(self) -> None:
        session = self.session
        if session is None or self._is_closing:
            return
        self._due = self._due or self._worn_out(session)
        if self._due is not None and not self._running:
            log.info("engine_recycling", reason=self._due)
            self._keep(asyncio.create_task(session.close()))

    def _worn_out(self, session: Session) -> str | None:
        if 0 < self._config.recycle_jobs <= session.finished_jobs:
            return f"{session.finished_jobs} jobs"
        if 0 < self._config.recycle_rss_bytes < session.resident_bytes:
            return f"{session.resident_bytes} bytes resident"
        return None

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _disappoint(self, model: str | None, reason: str) -> None:
        """Tells the jobs that wait for this model, or all; those that come later wait for the next start."""
        for ticket in self._waiting:
            if model in (None, ticket.model.name) and not ticket.turn.done():
                ticket.turn.set_exception(outage(ticket.model.name, reason))


def outage(model: str, reason: str) -> OutageError:
    """The error of a job whose model is not to be had just now."""
    return OutageError(ErrorCode.MODEL_LOAD_FAILED, f"model '{model}' cannot be loaded: {reason}")
