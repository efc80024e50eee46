"""What comes after a failure: another attempt later, a dead letter, or the end because time is up.

Each tier is a topic of its own with one delay, so that its records are due in the order in which they came. Attempt 1
is the request itself; when attempt k fails, the record goes to tier k; what fails behind the last tier is set aside.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from consumer.core.failures import JobError
from consumer.core.hops import Hop, not_before_ms
from consumer.core.records import Record
from contracts.errors import ErrorCode, Verdict
from contracts.topics import retry_topic

LONGEST_DELAY_MS: Final = 24 * 3600 * 1000
"""A day, which leaves retry topics six of the seven days that they keep records."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SetAside:
    """No attempt is left, or none would help."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The job ends without a result and without being at fault."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers of one requests topic."""

    requests: str
    delays_ms: tuple[int, ...]
    """Of each tier; two tiers of one delay share a topic. Empty: nothing is tried again."""

    @property
    def topics(self) -> dict[str, int]:
        """Each retry topic with its delay in milliseconds, in the order of the tiers."""
        return {retry_topic(self.requests, delay_ms): delay_ms for delay_ms in self.delays_ms}

    def after(
        self, error: JobError, *, attempt: int, deadline: datetime | None, now: datetime
    ) -> Hop | SetAside | Cancel:
        """What comes after a failure that is no outage.

        Args:
            error: why the attempt failed.
            attempt: which one failed, from 1.
            deadline: by when the job is wanted; nothing is tried again that would begin later.
            now: with a time zone, as the deadline.
        """
        if error.verdict is not Verdict.TRANSIENT or error.code is ErrorCode.WORKER_LOST:
            return SetAside()  # of a job that kills workers the deliveries were counted elsewhere
        if deadline is not None and deadline <= now:
            return _too_late(error, f"the deadline {_text(deadline)} has passed")
        if attempt > len(self.delays_ms):
            return SetAside()
        delay_ms = self.delays_ms[attempt - 1]
        not_before = _ceiled(now) + timedelta(milliseconds=delay_ms)
        if deadline is not None and deadline <= not_before:
            return _too_late(error, f"the deadline {_text(deadline)} passes before attempt {attempt + 1} would begin")
        return Hop(retry_topic(self.requests, delay_ms), attempt + 1, not_before)


def left_behind(names: Iterable[str], requests: str, read: Container[str]) -> dict[str, int]:
    """Retry topics of earlier settings, each with its delay in milliseconds: what waits in them is still to be done.

    Args:
        names: of topics that are there.
        requests: the requests topic.
        read: topics that are read anyway.
    """
    stem = retry_topic(requests, "")
    others = (name for name in names if name.startswith(stem) and name not in read)
    found = {name: _delay_ms(name.removeprefix(stem)) for name in others}
    return {name: delay_ms for name, delay_ms in found.items() if 0 < delay_ms <= LONGEST_DELAY_MS}


def _delay_ms(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LONGEST_DELAY_MS))
    return int(text) if is_number else 0


def _too_late(error: JobError, why: str) -> Cancel:
    return Cancel(ErrorCode.DEADLINE_EXCEEDED, f"{why}; the last attempt ended with {error.code}: {error.message}")


def _ceiled(time: datetime) -> datetime:
    """The next whole millisecond, as finer ones do not travel: a retry may be late by one and never early."""
    return time + (-timedelta(microseconds=time.microsecond) % _MILLISECOND)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def wait_ms(record: Record, delay_ms: int, *, now_ms: float, seen_for_ms: float) -> float:
    """How long a record of a retry topic has to wait yet, in milliseconds; not positive when it is due.

    When it is due was written by the clock of another worker, and ours may be behind: by nobody's clock has it to wait
    longer than its topic's delay since it was seen, because it was written before that.

    Args:
        record: with its due time; one that has none legible is due when its own age reaches the delay.
        delay_ms: of its topic.
        now_ms: since 1970, by our clock.
        seen_for_ms: since the record was read for the first time, by a clock that nobody sets.
    """
    told = not_before_ms(record)
    due_ms = record.timestamp_ms + delay_ms if told is None else told
    return min(due_ms - now_ms, delay_ms - seen_for_ms)
