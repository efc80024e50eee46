"""What is known of each job from the events that were heard: its stage, how far and how fast it is, its end."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts.events import Event, Kind, OutcomeEvent, ProgressEvent

_MOST_REMEMBERED: Final = 10_000
_EVER: Final = datetime.min.replace(tzinfo=UTC)

Key = tuple[str | None, str]
"""A job id names a job within its tenant."""

_Told = tuple[str, str | None]
"""An event's id and its cause: a request that is submitted again and fails again has an outcome of the same id."""


@dataclass(frozen=True, slots=True)
class Row:
    """One job as an event left it."""

    job_id: str
    """`-` where the bytes held no job."""
    stage: str
    """`started`, `transcribing`, what is done instead, or the outcome."""
    share: float | None
    """Of the audio that is done, from 0 to 1."""
    speed: float | None
    """Seconds of audio in a second."""
    note: str
    """Why there is no result, or where it is; for a job under way who works on it, or why it waits."""
    time: datetime | None
    outcome: Kind | None = None


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where an attempt was when it was first heard of."""

    attempt: tuple[int, str]
    time: datetime | None
    done_s: float


class Board:
    """Jobs under way, in the order in which they were first heard of, and those that ended of late."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.open: dict[Key, Row] = {}
        self._marks: dict[Key, _Mark] = {}
        self._over: OrderedDict[Key, tuple[_Told, datetime]] = OrderedDict()

    def hear(self, event: Event) -> Row | None:
        """Takes in an event; None where it says nothing new: told before, or older than the job's end."""
        key = (event.data.tenant, event.data.job_id or "-")
        match event.data:
            case OutcomeEvent() as outcome:
                return self._end(key, event, outcome)
            case ProgressEvent() as progress:
                return self._advance(key, event, progress)

    def _end(self, key: Key, event: Event, outcome: OutcomeEvent) -> Row | None:
        told = (event.id, event.cause)
        if key in self._over and self._over[key][0] == told:
            return None
        self._over[key] = (told, event.time or _EVER)
        self._over.move_to_end(key)
        if len(self._over) > _MOST_REMEMBERED:
            self._over.popitem(last=False)
        self.open.pop(key, None)
        self._marks.pop(key, None)
        speed = outcome.audio_s / outcome.engine_s if outcome.audio_s and outcome.engine_s else None
        note = f"{outcome.error.code}: {outcome.error.message}" if outcome.error else outcome.manifest or ""
        share = 1.0 if outcome.outcome is Kind.COMPLETED else None
        return Row(key[1], outcome.outcome, share, speed, note, event.time, outcome.outcome)

    def _advance(self, key: Key, event: Event, progress: ProgressEvent) -> Row | None:
        if key in self._over and (event.time or _EVER) <= self._over[key][1]:
            return None
        attempt = (progress.attempt, progress.worker)
        mark = self._marks.get(key)
        if mark is None or mark.attempt != attempt:
            mark = self._marks[key] = _Mark(attempt, event.time, progress.done_s or 0.0)
        done_s, audio_s = progress.done_s, progress.audio_s
        share = min(done_s / audio_s, 1.0) if done_s is not None and audio_s else None
        row = Row(key[1], _stage(progress), share, _speed(mark, event.time, done_s), _note(progress), event.time)
        self.open[key] = row
        return row


def _stage(progress: ProgressEvent) -> str:
    if progress.kind is Kind.PROGRESS:
        return progress.stage.replace("_", " ") if progress.stage else "transcribing"
    return progress.kind.replace("_", " ")


def _note(progress: ProgressEvent) -> str:
    """Who works on the job, or why it waits and until when."""
    if progress.error is None:
        return progress.worker
    again = f"; again at {progress.not_before.isoformat(timespec='seconds')}" if progress.not_before else ""
    return f"{progress.error.code}: {progress.error.message}{again}"


def _speed(mark: _Mark, now: datetime | None, done_s: float | None) -> float | None:
    if done_s is None or now is None or mark.time is None or done_s <= mark.done_s or now <= mark.time:
        return None
    return (done_s - mark.done_s) / (now - mark.time).total_seconds()
