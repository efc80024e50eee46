"""What an order to replay, park or drop comes to for one dead letter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from consumer.core.desk.copies import parked, replayed, with_deadline
from consumer.core.desk.entries import Deed, Entry
from consumer.core.desk.letters import DeadLetter
from consumer.core.records import OutboundRecord, Record


class Verb(StrEnum):
    """What the operator asks for."""

    REPLAY = "replay"
    PARK = "park"
    DROP = "drop"


class Obstacle(StrEnum):
    """Why nothing is done with a dead letter."""

    NO_ORIGIN = "no_origin"
    CIRCLE = "circle"
    CEILING = "ceiling"
    CUT = "cut"
    REFUSED = "refused"


_ADVICE = {
    Obstacle.NO_ORIGIN: "no header says where it came from: name the topic with --to",
    Obstacle.CIRCLE: "it would go onto the topic that it stands on: name another one with --to",
    Obstacle.CEILING: "replayed as often as allowed, and parked already: --max-replays allows more",
    Obstacle.CUT: "its value was cut, and the whole record is no longer where x-steno-truncated-at says",
    Obstacle.REFUSED: "the broker refuses the copy for its size: raise max.message.bytes of that topic",
}


@dataclass(frozen=True, slots=True)
class Move:
    """What is done with one dead letter."""

    deed: Deed
    copy: OutboundRecord | None
    """What is sent; None where nothing is."""
    replays: int
    """The replay count of the copy."""
    is_late: bool = False
    """Whether its deadline has passed: the worker will call it off."""


@dataclass(frozen=True, slots=True)
class Order:
    """One command with its flags."""

    verb: Verb
    parking: str
    """Where what is parked goes."""
    to: str | None = None
    """Where replays go; None: where each one came from."""
    max_replays: int = 3
    """A record that was replayed as often is parked instead."""
    deadline: datetime | None = None
    """A new deadline for requests that have an earlier one."""

    def move(self, letter: DeadLetter, record: Record, *, replays: int, now: datetime) -> Move | Obstacle:
        """What to do with a dead letter.

        Args:
            letter: the dead letter.
            record: the whole record: the dead letter's own, or the original of one that was cut.
            replays: how often it was replayed before, by its header or the journal.
            now: for deadlines.
        """
        match self.verb:
            case Verb.DROP:
                return Move(Deed.DROPPED, None, replays)
            case Verb.PARK:
                return self._park(letter, record, replays)
            case Verb.REPLAY if replays >= self.max_replays:
                parks = self._park(letter, record, replays)
                return Obstacle.CEILING if parks is Obstacle.CIRCLE else parks
        topic = self.to or (letter.origin and letter.origin.topic)
        if not topic:
            return Obstacle.NO_ORIGIN
        if topic == letter.place.topic:
            return Obstacle.CIRCLE
        return self._replay(letter, record, topic, replays=replays + 1, now=now)

    def _park(self, letter: DeadLetter, record: Record, replays: int) -> Move | Obstacle:
        if self.parking == letter.place.topic:
            return Obstacle.CIRCLE
        return Move(Deed.PARKED, parked(record, self.parking), replays)

    def _replay(self, letter: DeadLetter, record: Record, topic: str, *, replays: int, now: datetime) -> Move:
        copy = replayed(record, topic, replays=replays)
        deadline = letter.subject.deadline
        if deadline is None:
            return Move(Deed.REPLAYED, copy, replays)
        if self.deadline is None or deadline >= self.deadline or record.value is None:
            return Move(Deed.REPLAYED, copy, replays, is_late=deadline <= now)
        value = with_deadline(record.value, self.deadline)
        is_late = value == record.value and deadline <= now
        return Move(Deed.REPLAYED, replace(copy, value=value), replays, is_late=is_late)


def replays_before(letter: DeadLetter, entry: Entry | None) -> int:
    """How often a record was replayed for sure: by its header, or by the journal where it is replayed once more.

    What a run broke off at counts as not replayed: the copy that may be there and the next one bear the same count,
    so that what comes of both bears the same ids.
    """
    if entry is None:
        return letter.replays
    is_in_doubt = entry.deed is Deed.REPLAYED and not entry.is_done
    return max(letter.replays, entry.replays - is_in_doubt)


def advice_on(obstacle: Obstacle) -> str:
    """What is in the way, and what to do."""
    return _ADVICE[obstacle]
