"""The worker's side of the engine: hands jobs to a supervised process, and judges how they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from consumer.core.failures import ExitCode, FatalError, JobError, PermanentError, TransientError
from consumer.engine.arguments import arguments, mode_of, require_language, require_model
from consumer.engine.config import EngineConfig, ModelSpec
from consumer.engine.desk import Desk, Ticket
from consumer.engine.job import Blame, Cause, Ended, Job
from consumer.engine.launch import StartError
from consumer.engine.protocol import Done, Failed, SegmentFound
from consumer.engine.session import Session
from consumer.ports import EngineResult, Samples
from contracts.errors import VERDICTS, ErrorCode, Verdict
from contracts.requests import Options
from contracts.transcript import Segment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What an engine is about, for who looks from outside."""

    device: str | None
    slots: int
    loaded: tuple[str, ...]
    loading: str | None


@dataclass(frozen=True, slots=True)
class _Again:
    """The attempt came to nothing through no proven fault of the job."""

    goes_alone: bool
    is_exhausted: bool = False
    """The process has run out of memory and is of no use any more."""


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
            FatalError: `MODEL_UNAVAILABLE`, it cannot be loaded.
        """
        try:
            session = await self._desk.open()
        except StartError as exc:
            message = f"model '{self._config.models[0].name}' cannot be loaded: {exc}"
            raise FatalError(ExitCode.MODEL_UNAVAILABLE, message) from exc
        opened = session.opened
        self._slots = opened.slots
        if opened.notice:
            log.warning("engine_falls_back", reason=opened.notice, device=opened.device)
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
    ) -> EngineResult:
        """Transcribes; see `ports.Engine`."""
        require_model(options, tuple(self._specs))
        spec = self._specs[options.model] if options.model is not None else self._config.models[0]
        attempt = _Attempt(self._config, spec, options, _rising(on_progress), on_loading)
        again = _Again(goes_alone=False)
        while True:
            ended = await self._try(attempt, samples, again)
            if isinstance(ended, EngineResult):
                return ended
            again = ended

    async def _try(self, attempt: _Attempt, samples: Samples, again: _Again) -> EngineResult | _Again:
        ticket = self._desk.enter(attempt.spec, attempt.on_loading, goes_alone=again.goes_alone)
        job: Job | None = None
        try:
            session = await ticket.turn
            job = attempt.start(session, samples)
            ended = await attempt.follow(session, job, samples.duration_s)
            if _is_exhausted(ended):
                self._desk.retire("out of memory")
        finally:
            if job is None or job.is_over.is_set():
                self._desk.leave(ticket)
            else:
                self._abandon(session, job, ticket)
        if isinstance(ended, JobError):
            raise ended
        if isinstance(ended, _Again):
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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One job's account of what it wants and what came of it."""

    config: EngineConfig
    spec: ModelSpec
    options: Options
    on_progress: Callable[[float], None]
    on_loading: Callable[[], None]

    def start(self, session: Session, samples: Samples) -> Job:
        require_language(self.options, self.spec.name, session.loaded[self.spec.name].languages)
        return session.start(samples, self.spec.name, mode_of(self.options), arguments(self.options))

    async def follow(self, session: Session, job: Job, duration_s: float) -> EngineResult | _Again | JobError:
        deadline_s = self.config.deadline_s(duration_s)
        started_s = time.perf_counter()
        segments: list[Segment] = []
        try:
            async with asyncio.timeout(deadline_s):
                last = await self._collect(job, segments, duration_s)
        except TimeoutError:
            session.kill(Cause.STUCK)
            text = f"the transcription took longer than {deadline_s:g} s"
            return TransientError(ErrorCode.ENGINE_TIMEOUT, text)
        if isinstance(last, Done):
            return self._result(session, segments, last, engine_s=time.perf_counter() - started_s)
        return _judge(last, had_company=job.had_company, config=self.config)

    async def _collect(self, job: Job, segments: list[Segment], duration_s: float) -> Done | Failed | Ended:
        while True:
            match await job.replies.get():
                case SegmentFound(segment=segment):
                    segments.append(segment)
                    if segment.end < duration_s:
                        self.on_progress(segment.end)
                case Done() as done:
                    self.on_progress(duration_s)
                    return done
                case Failed() | Ended() as end:
                    return end
                case _:
                    return Failed(job.id, ErrorCode.INTERNAL, "the job was cancelled by nobody")

    def _result(self, session: Session, segments: list[Segment], done: Done, *, engine_s: float) -> EngineResult:
        return EngineResult(
            segments=segments,
            language=done.language,
            language_probability=done.language_probability,
            model=self.spec.identity,
            engine=self.config.backend.value,
            device=session.opened.device,
            compute_type=session.loaded[self.spec.name].compute_type,
            mode=mode_of(self.options).value,
            options=dict(arguments(self.options)),
            versions=dict(session.opened.versions),
            engine_s=round(engine_s, 4),
        )


def _judge(end: Failed | Ended, *, had_company: bool, config: EngineConfig) -> _Again | JobError:
    """Whose fault the end was: that of a job that was alone, nobody's else, until it has been alone."""
    match end:
        case Failed(code=ErrorCode.GPU_OUT_OF_MEMORY) if had_company:
            return _Again(goes_alone=True, is_exhausted=True)
        case Failed(code=code, message=message):
            kind = PermanentError if VERDICTS[code] is Verdict.PERMANENT else TransientError
            return kind(code, message)
        case Ended(blame=Blame.NONE):
            return _Again(goes_alone=False)
        case Ended(cause=Cause.CRASH | Cause.MEMORY, blame=Blame.SHARED):
            return _Again(goes_alone=True)
        case Ended(cause=Cause.MEMORY):
            text = f"the engine process grew past {config.max_rss_bytes} bytes (STENO_ENGINE__MAX_RSS_BYTES)"
            return TransientError(ErrorCode.GPU_OUT_OF_MEMORY, text)
        case Ended(how=how):
            return TransientError(ErrorCode.ENGINE_CRASHED, f"{how}, in the midst of this job")


def _is_exhausted(ended: EngineResult | _Again | JobError) -> bool:
    match ended:
        case _Again(is_exhausted=is_exhausted):
            return is_exhausted
        case JobError(code=code):
            return code is ErrorCode.GPU_OUT_OF_MEMORY
        case _:
            return False


def _rising(on_progress: Callable[[float], None]) -> Callable[[float], None]:
    """Holds back what was told before: a job that runs again starts anew."""
    told_s = 0.0

    def tell(done_s: float) -> None:
        nonlocal told_s
        if done_s > told_s:
            told_s = done_s
            on_progress(done_s)

    return tell
