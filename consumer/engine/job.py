"""One job in the engine process, and what the end of that process says about it.

A job that is overdue is slow, or hangs by itself, or is in a process that stands still for all. What tells them apart
is whether anything came of any job of the process lately (`cause_of_delay`): then the process works, and the delay is
that job's own. Otherwise any of those under way may have stopped the rest, so each runs once more, alone. A ping would
prove less: Python may answer while a GPU that one job has hung computes for nobody. The price is that a job which
hangs beside neighbours that happen to be silent is found out at its second deadline only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from consumer.engine import protocol

_SILENT_SHARE: Final = 0.25
"""Of an overdue job's time: so long nothing came of any job in a process that stands still. With the default
deadlines that is at least 75 s, while segments come every few seconds."""

Reply = protocol.SegmentFound | protocol.Done | protocol.Failed
"""What a job says to whoever waits for it."""


class Cause(Enum):
    """Why a process ended."""

    CRASH = auto()
    """By itself, or by a signal of somebody else's."""
    MEMORY = auto()
    """We ended it: it grew past `max_rss_bytes`."""
    STUCK = auto()
    """We ended it for one job or load that hung or would not stop: whoever else was in it is innocent."""
    STILL = auto()
    """We ended it at a job's deadline, when nothing had come of any job for long."""
    CLOSED = auto()
    """We ended it: it is replaced or not needed any more."""


class Blame(Enum):
    """What the end of its process says about a job."""

    NONE = auto()
    """The job had not begun, or the process was ended for another's sake."""
    SHARED = auto()
    """One of those that were under way did it."""
    ALONE = auto()
    """Nobody else was in the process, or nobody else was late."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The process ended in the midst of a job."""

    how: str
    cause: Cause
    blame: Blame


@dataclass(eq=False, slots=True)
class Job:
    """A job under way; its replies come in order, the last is no `SegmentFound`."""

    id: int
    replies: asyncio.Queue[Reply | Ended] = field(default_factory=asyncio.Queue)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    is_begun: bool = False
    """Whether the process has taken it up."""
    is_overdue: bool = False
    """Whether its deadline has passed."""
    is_cancelled: bool = False
    """Whether it was told to stop; nobody reads its replies any more."""
    had_company: bool = False
    """Whether another job was in the process at any time during this one."""

    def take(self, reply: protocol.JobReply | Ended) -> None:
        """Adds a reply.

        Raises:
            ProtocolError: the process has stopped a job that nobody told it to stop.
        """
        match reply:
            case protocol.Begun():
                self.is_begun = True
            case protocol.SegmentFound():
                self.replies.put_nowait(reply)
            case protocol.Cancelled() if not self.is_cancelled:
                raise protocol.ProtocolError("a job stopped that nobody cancelled")
            case protocol.Cancelled():
                self.is_over.set()
            case protocol.Done() | protocol.Failed() | Ended():
                self.replies.put_nowait(reply)
                self.is_over.set()


def cause_of_delay(deadline_s: float, silent_s: float) -> Cause:
    """Why to end a process in which a job is overdue.

    Args:
        deadline_s: that job's time.
        silent_s: how long nothing has come of any job in the process.
    """
    return Cause.STILL if silent_s > _SILENT_SHARE * deadline_s else Cause.STUCK


def blame(job: Job, cause: Cause, jobs: Collection[Job], *, is_loading: bool = False) -> Blame:
    """What to say to a job whose process has ended, with all jobs that were in it, maybe while it loaded a model."""
    match cause:
        case Cause.STUCK:
            return Blame.ALONE if job.is_overdue else Blame.NONE
        case Cause.STILL if job.is_overdue:  # begun or not: else it could wait for ever
            return Blame.SHARED if len(jobs) > 1 or is_loading else Blame.ALONE
        case Cause.STILL:
            return Blame.SHARED if job.is_begun else Blame.NONE
        case Cause.CRASH | Cause.MEMORY | Cause.CLOSED:
            if not job.is_begun or (is_loading and cause is not Cause.CLOSED):
                return Blame.NONE
            return Blame.SHARED if sum(each.is_begun for each in jobs) > 1 else Blame.ALONE
