"""One try at a job in the engine process, and the judgement on how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from consumer.core.failures import JobError, PermanentError, TransientError
from consumer.engine.arguments import arguments, mode_of, require_language
from consumer.engine.config import EngineConfig, ModelSpec
from consumer.engine.job import Blame, Cause, Ended, Job
from consumer.engine.protocol import Done, Failed, SegmentFound
from consumer.engine.session import Session
from consumer.ports import EngineResult, Samples
from contracts.errors import VERDICTS, ErrorCode, Verdict
from contracts.requests import Options
from contracts.transcript import Segment


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt came to nothing through no proven fault of the job."""

    goes_alone: bool
    is_exhausted: bool = False
    """The process has run out of memory and is of no use any more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One job's account of what it wants and what came of it."""

    config: EngineConfig
    spec: ModelSpec
    options: Options
    on_progress: Callable[[float], None]
    on_loading: Callable[[], None]
    on_begun: Callable[[], None]

    def start(self, session: Session, samples: Samples) -> Job:
        """Sends the job to a process that holds its model.

        Raises:
            PermanentError: `REQUEST_INVALID`, the model was not trained for this.
        """
        require_language(self.options, self.spec.name, session.loaded[self.spec.name].languages)
        self.on_begun()
        return session.start(samples, self.spec.name, mode_of(self.options), arguments(self.options))

    async def follow(self, session: Session, job: Job, duration_s: float) -> EngineResult | Again | JobError:
        """Waits for the end, until the deadline and some seconds; a job that hangs takes its process with it."""
        deadline_s = self.config.deadline_s(duration_s)
        started_s = time.perf_counter()
        segments: list[Segment] = []
        try:
            async with asyncio.timeout(deadline_s):
                last = await self._collect(job, segments, duration_s)
        except TimeoutError:
            session.end_overdue(job, deadline_s)
            last = await self._collect(job, segments, duration_s)  # its end, or what came at the last moment
        if isinstance(last, Done):
            return self._result(session, segments, last, engine_s=time.perf_counter() - started_s)
        return judge(last, had_company=job.had_company, deadline_s=deadline_s)

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


def judge(end: Failed | Ended, *, had_company: bool, deadline_s: float) -> Again | JobError:
    """Whose fault the end was: that of a job that was alone, nobody's else, until it has been alone."""
    match end:
        case Failed(code=ErrorCode.GPU_OUT_OF_MEMORY) if had_company:
            return Again(goes_alone=True, is_exhausted=True)
        case Failed(code=code, message=message):
            kind = PermanentError if VERDICTS[code] is Verdict.PERMANENT else TransientError
            return kind(code, message)
        case Ended(blame=Blame.NONE):
            return Again(goes_alone=False)
        case Ended(cause=Cause.CRASH | Cause.MEMORY | Cause.STILL, blame=Blame.SHARED):
            return Again(goes_alone=True)
        case Ended():
            return _charge(end, deadline_s)


def _charge(end: Ended, deadline_s: float) -> TransientError:
    match end.cause:
        case Cause.STUCK | Cause.STILL:
            return TransientError(ErrorCode.ENGINE_TIMEOUT, f"the transcription took longer than {deadline_s:g} s")
        case Cause.MEMORY:
            return TransientError(ErrorCode.GPU_OUT_OF_MEMORY, end.how)
        case Cause.CRASH | Cause.CLOSED:
            return TransientError(ErrorCode.ENGINE_CRASHED, f"{end.how}, in the midst of this job")


def is_exhausted(ended: EngineResult | Again | JobError) -> bool:
    """Whether the process behind this end has run out of memory."""
    match ended:
        case Again(is_exhausted=exhausted):
            return exhausted
        case JobError(code=code):
            return code is ErrorCode.GPU_OUT_OF_MEMORY
        case _:
            return False


def rising(on_progress: Callable[[float], None]) -> Callable[[float], None]:
    """Holds back what was told before: a job that runs again starts anew."""
    told_s = 0.0

    def tell(done_s: float) -> None:
        nonlocal told_s
        if done_s > told_s:
            told_s = done_s
            on_progress(done_s)

    return tell
