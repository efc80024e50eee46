"""Every way in which work fails, as one tree.

    ConsumerError                 has a message for a person
    ├── JobError                  has a stable code; the verdict follows from the code
    │   ├── PermanentError        dead-letter at once
    │   ├── TransientError        try again later, then dead-letter
    │   └── OutageError           pause intake, keep the job
    ├── LeaseLostError            another worker has the job: stop, settle nothing
    └── FatalError                stop the worker with its own exit code, offsets untouched

The final verdict (`CANCELLED`, `DEADLINE_EXCEEDED`) is an outcome and not a failure.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from contracts.errors import VERDICTS, ErrorCode, Verdict

_MAX_MESSAGE_CHARS: Final = 1000
"""A message travels in headers and events, which must fit whatever a request was made of."""


class ExitCode(IntEnum):
    """How a command ends; from 64 on as in sysexits.h."""

    OK = 0
    FAILED = 1
    """Some of the inputs failed; the others are done."""
    MISUSE = 2
    """The command line is wrong."""
    MODEL_UNAVAILABLE = 66
    """The model's weights cannot be found or loaded."""
    UNAVAILABLE = 69
    """A service that is needed at start does not answer."""
    INTERNAL = 70
    """A defect of ours."""
    DEVICE_MISSING = 71
    """The GPU that was asked for is not here, or cannot be used."""
    TOPICS_MISSING = 72
    """Topics are missing on the broker."""
    SCRATCH_UNUSABLE = 73
    """No media can be put on the local disk."""
    BRAKE = 75
    """Nearly every job failed, and the worker stopped before it set aside more of them."""
    STORE_UNFIT = 76
    """The object store does not keep conditional writes."""
    REFUSED = 77
    """Credentials were refused at start."""
    BAD_SETTINGS = 78
    """A setting is unknown, missing or out of range."""


class ConsumerError(Exception):
    """Base of everything raised on purpose; the message tells the user what to do next."""


class JobError(ConsumerError):
    """One job failed with one code. Raise a subclass."""

    verdict: ClassVar[Verdict]

    def __init__(self, code: ErrorCode, message: str) -> None:
        """Pairs a code with a message, which is cut where it is too long to travel.

        Raises:
            ValueError: the code carries another verdict than this class; a defect of the caller.
        """
        if VERDICTS[code] is not self.verdict:
            raise ValueError(f"{code} is {VERDICTS[code]}, not {self.verdict}")
        self.code = code
        self.message = message if len(message) <= _MAX_MESSAGE_CHARS else f"{message[: _MAX_MESSAGE_CHARS - 1]}…"
        super().__init__(self.message)


class PermanentError(JobError):
    """A repetition would fail the same way."""

    verdict = Verdict.PERMANENT


class TransientError(JobError):
    """A later attempt may succeed."""

    verdict = Verdict.TRANSIENT


class OutageError(JobError):
    """A dependency is away: nobody's job is at fault."""

    verdict = Verdict.OUTAGE


class LeaseLostError(ConsumerError):
    """Another worker has taken the job over, for this one was silent: stop, and settle nothing."""


class FatalError(ConsumerError):
    """The worker cannot go on; a person is needed."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        """Pairs the process's exit code with a message."""
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message


def fatal_in(error: BaseException) -> FatalError | None:
    """Why the worker cannot go on, where somebody meant to say so; also one of several errors in a group."""
    if isinstance(error, FatalError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := fatal_in(each))), None)
    return None
