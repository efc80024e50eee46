"""What is seen of the jobs under a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from contracts.events import Event, Kind, OutcomeEvent

_LAST_WORDS_S: Final = 1.0
"""What was said at the end is heard a moment later. Outcomes that are told again name the first worker, too."""


@dataclass(frozen=True)
class Sent:
    """One job, and the end that it has to come to."""

    name: str
    """Its job id, or where its record stands if it holds no job."""
    end: str = Kind.COMPLETED
    """`completed`, or the code of its error."""


@dataclass(frozen=True)
class Seen:
    """An event, and when a reader had it, in seconds of the bench's own clock."""

    at_s: float
    event: Event
    value: bytes

    @property
    def name(self) -> str:
        """The job's id, or the place of the bytes that held none."""
        is_of_a_place = self.event.id.startswith(f"{self.event.cause}/")
        return str(self.event.cause if is_of_a_place else self.event.data.job_id)

    @property
    def worker(self) -> str:
        """Who says so."""
        return self.event.data.worker

    @property
    def partition(self) -> str | None:
        """Topic and partition of the record that it came of."""
        return self.event.cause.rpartition("/")[0] if self.event.cause else None


@dataclass(frozen=True)
class Blow:
    """One strike of a fault, from its beginning to its end, which may be the same."""

    at_s: float
    over_s: float
    victim: str | None = None
    """The worker that was struck; None where all were."""
    is_fatal: bool = False
    """The victim says nothing more."""
    partitions: AbstractSet[str] = frozenset()
    """What the victim had; where that is not known, the partitions of jobs in flight count."""

    def is_last_word(self, seen: Seen) -> bool:
        """Whether a victim that is dead by now had said so before."""
        is_fresh = seen.at_s < self.at_s + _LAST_WORDS_S
        return self.is_fatal and seen.worker == self.victim and is_fresh


@dataclass(frozen=True)
class Evidence:
    """All that was seen."""

    sent: Sequence[Sent]
    begun: Sequence[Seen] = ()
    ends: Sequence[Seen] = ()
    transcribed: Sequence[str] = ()
    """Jobs that workers settled with a transcription of their own, each time that one did."""
    letters: Sequence[str] = ()
    """What each dead letter is about, as in `Sent.name`."""
    whole: AbstractSet[str] = frozenset()
    """Jobs whose result set is whole and says what it should."""
    lag: int = 0
    """Records of requests and retries that nobody has committed."""
    exit_codes: Sequence[int] = ()
    """Of the workers that were asked to stop at the end, or before."""
    blows: Sequence[Blow] = ()
    strikes: int = 0
    """How often the fault took place."""
    remarks: Sequence[str] = ()
    """What else did not hold."""


def kind_of(seen: Seen) -> Kind:
    """How a job ended."""
    assert isinstance(seen.event.data, OutcomeEvent)
    return seen.event.data.outcome


def end_of(seen: Seen) -> str:
    """The same as `Sent.end` has it."""
    assert isinstance(seen.event.data, OutcomeEvent)
    error = seen.event.data.error
    return error.code if error else seen.event.data.outcome


def in_flight(begun: Sequence[Seen], ends: Sequence[Seen], at_s: float, victim: str | None) -> list[Seen]:
    """The beginnings of jobs that had not ended by then; those of one worker, or of all."""
    over = {seen.name for seen in ends if seen.at_s < at_s}
    latest = {seen.name: seen for seen in begun if seen.at_s < at_s and seen.name not in over}
    return [seen for seen in latest.values() if victim in (None, seen.worker)]


def transcriptions_of(evidence: Evidence) -> Counter[str]:
    """How often each job was transcribed, as far as can be told from outside.

    A worker may say again that it began, as when it could not fetch the media: that counts once for each attempt.
    What was said may be lost, too, so settled jobs and results count beside it, but for those that share another job's.
    """
    told = {(seen.event.id, seen.worker): seen.name for seen in evidence.begun}
    counted = Counter(told.values()) | Counter(evidence.transcribed) | Counter(evidence.whole)
    shared = {seen.name for seen in evidence.ends if _is_shared(seen)}
    return Counter({name: times for name, times in counted.items() if name not in shared})


def _is_shared(seen: Seen) -> bool:
    return isinstance(seen.event.data, OutcomeEvent) and seen.event.data.shared_from is not None
