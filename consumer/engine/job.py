"""One job in the engine process, and what the end of that process says about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from consumer.engine.protocol import Begun, JobReply, SegmentFound


class Cause(Enum):
    """Why a process ended."""

    CRASH = auto()
    """By itself, or by a signal of somebody else's."""
    MEMORY = auto()
    """We ended it: it grew past `max_rss_bytes`."""
    STUCK = auto()
    """We ended it for a job or a load that hung or would not stop: whoever else was in it is innocent."""
    CLOSED = auto()
    """We ended it: it is replaced or not needed any more."""


class Blame(Enum):
    """What the end of its process says about a job."""

    NONE = auto()
    """The job had not begun, or the process was ended for another's sake."""
    SHARED = auto()
    """One of those that were under way did it."""
    ALONE = auto()
    """Nobody else was in the process."""


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
    replies: asyncio.Queue[JobReply | Ended] = field(default_factory=asyncio.Queue)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    is_begun: bool = False
    """Whether the process has taken it up."""
    had_company: bool = False
    """Whether another job was in the process at any time during this one."""

    def take(self, reply: JobReply | Ended) -> None:
        """Adds a reply."""
        if isinstance(reply, Begun):
            self.is_begun = True
            return
        self.replies.put_nowait(reply)
        if not isinstance(reply, SegmentFound):
            self.is_over.set()


def blame(job: Job, cause: Cause, jobs: Iterable[Job], *, is_loading: bool = False) -> Blame:
    """What to say to a job whose process has ended, with all jobs that were in it, maybe while it loaded a model."""
    if not job.is_begun or cause is Cause.STUCK or (is_loading and cause is not Cause.CLOSED):
        return Blame.NONE
    return Blame.SHARED if sum(each.is_begun for each in jobs) > 1 else Blame.ALONE
