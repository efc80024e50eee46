"""The brake on dead letters: a worker that sets aside nearly everything it meets is broken, and not the jobs.

A bad deploy must not drain a topic into the dead letters: what was set aside for its sake has to be replayed by a
person. So the worker asks before each letter, and stops when it would be one too many.

Only failures count that a worker, its settings or its rights can be to blame for. Those that are certainly the
request's or the media's own never do: fifty corrupt files of one producer, or a batch whose uploads never came, say
nothing about the worker, and a fleet that stopped for them could be stopped by anyone who may upload. They break no
run either: between failures that count they are no sign of health. What a build without its decoders does to good
files looks like bad files, and is left to alerts on `steno_dead_letters_total`.

Some codes can be both. `OUTPUT_FORBIDDEN` is a producer that asks for a foreign place, or a role that lost a right;
`MODEL_UNKNOWN` a typing error, or a fleet deployed without a model; `REQUEST_UNSUPPORTED_VERSION` a producer that was
upgraded before its workers, or workers rolled back. They count, since a stop for no reason costs little: the jobs
stay where they are, and after the restart the next letters go out. A restart begins with an empty record, so that the
first failure after it does not stop the worker again; a worker that is restarted for ever sets aside no more than one
run less one each time, and orchestrators restart more and more seldom.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from contracts.errors import ErrorCode

COUNTED: Final = frozenset(
    {
        ErrorCode.REQUEST_UNSUPPORTED_VERSION,
        ErrorCode.INPUT_FORBIDDEN,
        ErrorCode.OUTPUT_FORBIDDEN,
        ErrorCode.MEDIA_DECODER_FAILED,
        ErrorCode.MODEL_UNKNOWN,
        ErrorCode.GPU_OUT_OF_MEMORY,
        ErrorCode.ENGINE_CRASHED,
        ErrorCode.ENGINE_TIMEOUT,
        ErrorCode.WORKER_LOST,
        ErrorCode.INTERNAL,
    }
)
"""What a worker can be to blame for."""

_ADVICE: Final = (
    "find the cause in the log (job_settled, by code), mend it and start the worker again; these jobs are still on"
    " their topics, those set aside wait for a replay"
)


@dataclass(frozen=True, slots=True)
class BrakeConfig:
    """How much is too much. 0 switches a rule off."""

    share: float = 0.5
    """Part of the last `window` ends that may be dead letters that count, from 0 to 1."""
    window: int = 100
    """Nothing is said of the share before there were so many ends."""
    run: int = 20
    """Dead letters that count without a result between them: at this one the worker stops."""


@dataclass(slots=True)
class Brake:
    """The recent ends of one worker's jobs. Call `check`, then note what comes of it without waiting in between."""

    config: BrakeConfig
    _run: deque[ErrorCode] = field(init=False)
    _ends: deque[ErrorCode | None] = field(init=False)
    """None: a result."""
    _reason: str | None = None

    def __post_init__(self) -> None:
        """Remembers nothing of earlier lives."""
        self._run = deque(maxlen=max(self.config.run, 1))
        self._ends = deque(maxlen=max(self.config.window, 1))

    def check(self, code: ErrorCode) -> str | None:
        """Why a dead letter with this code must not go out; None when it may. Pulled once, the brake stays so."""
        if code not in COUNTED:
            return None
        if self._reason is None:
            self._reason = self._too_long(code) or self._too_many(code)
        return self._reason

    def note_success(self) -> None:
        """One more job has a result."""
        self._run.clear()
        self._ends.append(None)

    def note_dead_letter(self, code: ErrorCode) -> None:
        """One more letter goes out."""
        if code in COUNTED:
            self._run.append(code)
            self._ends.append(code)

    def _too_long(self, code: ErrorCode) -> str | None:
        if not self.config.run or len(self._run) + 1 < self.config.run:
            return None
        codes = [*self._run, code]
        return f"{len(codes)} jobs in a row failed ({_tally(codes)}; STENO_BRAKE__RUN): {_ADVICE}"

    def _too_many(self, code: ErrorCode) -> str | None:
        share, window = self.config.share, self.config.window
        ends = [*self._ends, code][-window:]
        failed = [end for end in ends if end]
        if not share or not window or len(ends) < window or len(failed) <= share * window:
            return None
        return f"{len(failed)} of the last {window} jobs failed ({_tally(failed)}; STENO_BRAKE__SHARE): {_ADVICE}"


def _tally(codes: Iterable[ErrorCode]) -> str:
    return ", ".join(f"{count} {code}" for code, count in Counter(codes).most_common())
