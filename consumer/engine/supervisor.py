"""The worker's side of the engine: keeps one process with a model alive and hands it jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from consumer.core.failures import ExitCode, FatalError, PermanentError, TransientError
from consumer.engine.arguments import arguments, mode_of, require_language, require_model
from consumer.engine.config import EngineConfig
from consumer.engine.keeper import Keeper
from consumer.engine.launch import StartError
from consumer.engine.protocol import Done, Failed, SegmentFound
from consumer.engine.session import Ended, Job, Session
from consumer.ports import EngineResult, Samples
from contracts.errors import VERDICTS, ErrorCode, Verdict
from contracts.requests import Options
from contracts.transcript import Segment

ENGINE: Final = "faster-whisper"
_SLOTS: Final = 1


class ProcessEngine:
    """A faster-whisper model in a process of its own, restarted whenever that ends. Implements `ports.Engine`.

    Entered, the model is loaded; left, the process is gone.
    """

    def __init__(self, config: EngineConfig) -> None:
        """Does not start anything yet."""
        self._config = config
        self._slots = asyncio.Semaphore(_SLOTS)
        self._keeper: Keeper | None = None
        self._abandoned: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Starts the process and loads the model.

        Raises:
            FatalError: `MODEL_UNAVAILABLE`, it cannot be loaded.
        """
        try:
            self._keeper = await Keeper.open(self._config)
        except StartError as exc:
            message = f"model '{self._config.model_name}' cannot be loaded: {exc}"
            raise FatalError(ExitCode.MODEL_UNAVAILABLE, message) from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process with its jobs; bounded in time, never raises."""
        if self._keeper is not None:
            await self._keeper.close()
        await asyncio.gather(*self._abandoned, return_exceptions=True)

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded."""
        return self.process_id is not None

    @property
    def process_id(self) -> int | None:
        """Id of the engine process; None while there is none with a model."""
        session = self._keeper.session if self._keeper else None
        return session.process_id if session else None

    async def transcribe(
        self, samples: Samples, options: Options, on_progress: Callable[[float], None]
    ) -> EngineResult:
        """Transcribes; see `ports.Engine`."""
        require_model(options, (self._config.model_name, self._config.identity.name))
        await self._slots.acquire()
        job: Job | None = None
        try:
            session = await self._opened().wait()
            require_language(options, self._config.model_name, session.loaded.languages)
            started_s = time.perf_counter()
            job = session.start(samples, mode_of(options), arguments(options))
            segments, done = await self._follow(session, job, samples.duration_s, on_progress)
            return self._result(session, options, segments, done, engine_s=time.perf_counter() - started_s)
        finally:
            if job is None or job.is_over.is_set():
                self._slots.release()
            else:
                self._abandon(session, job)

    async def _follow(
        self, session: Session, job: Job, duration_s: float, on_progress: Callable[[float], None]
    ) -> tuple[list[Segment], Done]:
        try:
            async with asyncio.timeout(self._config.job_timeout_s):
                return await _collect(job, duration_s, on_progress)
        except TimeoutError as exc:
            session.kill()
            raise TransientError(
                ErrorCode.ENGINE_TIMEOUT, f"the transcription took longer than {self._config.job_timeout_s:g} s"
            ) from exc

    def _abandon(self, session: Session, job: Job) -> None:
        """Has the job stopped without making its caller wait; its slot is free once it has."""
        task = asyncio.create_task(session.cancel(job, timeout_s=self._config.cancel_timeout_s))
        self._abandoned.add(task)
        task.add_done_callback(self._settle)

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._abandoned.discard(task)
        self._slots.release()

    def _opened(self) -> Keeper:
        if self._keeper is None:
            raise RuntimeError("enter the engine first")
        return self._keeper

    def _result(
        self, session: Session, options: Options, segments: list[Segment], done: Done, *, engine_s: float
    ) -> EngineResult:
        return EngineResult(
            segments=segments,
            language=done.language,
            language_probability=done.language_probability,
            model=self._config.identity,
            engine=ENGINE,
            device=session.loaded.device,
            compute_type=session.loaded.compute_type,
            mode=mode_of(options).value,
            options=dict(arguments(options)),
            versions=dict(session.loaded.versions),
            engine_s=round(engine_s, 4),
        )


async def _collect(job: Job, duration_s: float, on_progress: Callable[[float], None]) -> tuple[list[Segment], Done]:
    segments: list[Segment] = []
    done_s = 0.0
    while True:
        match await job.replies.get():
            case SegmentFound(segment=segment):
                segments.append(segment)
                if done_s < segment.end < duration_s:
                    done_s = segment.end
                    on_progress(done_s)
            case Done() as done:
                on_progress(duration_s)
                return segments, done
            case Failed(code=code, message=message):
                kind = PermanentError if VERDICTS[code] is Verdict.PERMANENT else TransientError
                raise kind(code, message)
            case Ended(how=how):
                raise TransientError(ErrorCode.ENGINE_CRASHED, f"{how}, in the midst of this job")
            case _:
                raise TransientError(ErrorCode.INTERNAL, "the job was cancelled by nobody")
