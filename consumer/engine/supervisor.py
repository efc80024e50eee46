"""The worker's side of the engine: hands jobs to a supervised process, and judges how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import structlog

from consumer.core.failures import ExitCode, FatalError, JobError
from consumer.engine.arguments import require_model
from consumer.engine.attempt import Again, Attempt, is_exhausted, rising
from consumer.engine.config import EngineConfig, ModelSpec
from consumer.engine.desk import Desk, Ticket
from consumer.engine.job import Job
from consumer.engine.launch import DiedError, MisfitError, StartError
from consumer.engine.session import Session
from consumer.engine.tally import Tally
from consumer.ports import EngineResult, Samples
from contracts.requests import Options
from contracts.transcript import ModelIdentity

_DEAD: Final = "See whether memory ran out, and what 'steno doctor' and 'steno models verify' say."
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What an engine is about, for who looks from outside."""

    device: str | None
    slots: int
    loaded: tuple[str, ...]
    loading: str | None


class ProcessEngine:
    """Models in a process of their own, restarted whenever that ends. Implements `ports.Engine`.

    Entered, the default model is loaded; left, the process is gone. A job whose process dies under several jobs is
    run again, alone: only what dies alone is at fault.
    """

    def __init__(self, config: EngineConfig) -> None:
        """Does not start anything yet."""
        self._config = config
        self._specs: dict[str, ModelSpec] = {}
        for spec in config.models:
            for alias in (spec.name, spec.identity.name):
                self._specs.setdefault(alias, spec)
        self._desk = Desk(config)
        self._slots = 0
        self._abandoned: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Starts the process and loads the default model.

        Raises:
            FatalError: `MODEL_UNAVAILABLE`, the model cannot be loaded; `DEVICE_MISSING`, there is no such device
                here; `BAD_SETTINGS`, it has no such compute type, or the process may take less memory than it needs;
                `INTERNAL`, it died twice.
        """
        try:
            session = await self._desk.open()
        except MisfitError as exc:
            raise FatalError(exc.exit_code, str(exc)) from exc
        except DiedError as exc:
            raise FatalError(ExitCode.INTERNAL, f"The engine does not start, tried twice: {exc}. {_DEAD}") from exc
        except StartError as exc:
            message = f"model '{self._config.models[0].name}' cannot be loaded: {exc}"
            raise FatalError(ExitCode.MODEL_UNAVAILABLE, message) from exc
        opened = session.opened
        self._slots = opened.slots
        if opened.notice:
            chosen = f"STENO_ENGINE__DEVICE={opened.device} and STENO_ENGINE__COMPUTE_TYPE={opened.compute_type}"
            log.warning("engine_falls_back", reason=opened.notice, advice=f"{chosen} mean it, without a warning")
        log.info("engine_opened", device=opened.device, slots=opened.slots, cpu_threads=opened.cpu_threads)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process with its jobs; bounded in time, never raises."""
        await self._desk.close()
        await asyncio.gather(*self._abandoned, return_exceptions=True)

    @property
    def is_ready(self) -> bool:
        """Whether the process is up with a model."""
        return self._desk.session is not None

    @property
    def is_supervised(self) -> bool:
        """Whether the process is watched, or on its way up again: else only a restart of the worker helps."""
        return self._desk.is_supervising

    @property
    def models(self) -> Mapping[str, ModelIdentity]:
        """What stands behind each name that a job may ask for."""
        return {name: spec.identity for name, spec in self._specs.items()}

    @property
    def slots(self) -> int:
        """Jobs at once; known once entered."""
        return self._slots

    @property
    def status(self) -> Status:
        """What is loaded now, and what is being loaded."""
        session = self._desk.session
        if session is None:
            return Status(None, self._slots, (), self._config.models[0].name)
        return Status(session.opened.device, self._slots, tuple(session.loaded), self._desk.loading)

    @property
    def tally(self) -> Tally:
        """What happened since it was opened."""
        return self._desk.tally

    @property
    def notice(self) -> str | None:
        """What `auto` had to do without, and why; None while there is no process."""
        session = self._desk.session
        return session.opened.notice if session else None

    @property
    def process_id(self) -> int | None:
        """Id of the engine process; None while there is none with a model."""
        session = self._desk.session
        return session.process_id if session else None

    async def transcribe(
        self,
        samples: Samples,
        options: Options,
        on_progress: Callable[[float], None],
        on_loading: Callable[[], None] = lambda: None,
        on_begun: Callable[[], None] = lambda: None,
    ) -> EngineResult:
        """Transcribes; see `ports.Engine`."""
        require_model(options, tuple(self._specs))
        spec = self._specs[options.model] if options.model is not None else self._config.models[0]
        attempt = Attempt(self._config, spec, options, rising(on_progress), on_loading, on_begun)
        again = Again(goes_alone=False)
        while True:
            ended = await self._try(attempt, samples, again)
            if isinstance(ended, EngineResult):
                return ended
            again = ended

    async def _try(self, attempt: Attempt, samples: Samples, again: Again) -> EngineResult | Again:
        ticket = self._desk.enter(attempt.spec, attempt.on_loading, goes_alone=again.goes_alone)
        job: Job | None = None
        try:
            session = await ticket.turn
            job = attempt.start(session, samples)
            ended = await attempt.follow(session, job, samples.duration_s)
            if is_exhausted(ended):
                self._desk.retire("out of memory")
        finally:
            if job is None or job.is_over.is_set():
                self._desk.leave(ticket)
            else:
                self._abandon(session, job, ticket)
        if isinstance(ended, JobError):
            raise ended
        if isinstance(ended, Again):
            log.warning("job_runs_again", alone=ended.goes_alone)
        return ended

    def _abandon(self, session: Session, job: Job, ticket: Ticket) -> None:
        """Has the job stopped without making its caller wait; its slot is free once it has."""
        task = asyncio.create_task(self._stop(session, job, ticket))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)

    async def _stop(self, session: Session, job: Job, ticket: Ticket) -> None:
        await session.cancel(job, timeout_s=self._config.cancel_timeout_s)
        self._desk.leave(ticket)
