"""When a group member that looks alive has in truth stopped: a poll that never returns, a reader that stands still.

Judged by looks, not by the clock: a machine that slept, or a process that was frozen, missed looks, not signs of life.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from consumer.core.offsets import Partition

POLL_LOOKS: Final = 12
"""At 5 s from look to look a minute: a poll returns within a second."""
READING_LOOKS: Final = 12
"""A fetch that has records to bring takes milliseconds; a minute is beyond any throttling."""
PLACING_LOOKS: Final = 60
"""A rebalance waits a minute for its slowest member, and the next one may follow; five minutes are too many."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What one look at a member shows."""

    polls: int
    """Polls that returned so far."""
    answers: int
    """Questions that the broker answered so far. While it answers none, nothing but polling is expected."""
    is_placed: bool
    behind: Mapping[Partition, int]
    """Position of each partition that is to be read and has records ahead of it."""


@dataclass(slots=True)
class Vitals:
    """Follows one member from look to look."""

    _last: Signs = field(default_factory=lambda: Signs(-1, -1, is_placed=True, behind={}))
    _silent: int = 0
    _unplaced: int = 0
    _still: dict[Partition, int] = field(default_factory=dict)

    def look(self, signs: Signs) -> str | None:
        """Takes a look; says what has stopped, or None while nothing has."""
        last, self._last = self._last, signs
        self._silent = self._silent + 1 if signs.polls == last.polls else 0
        if signs.answers != last.answers:
            self._unplaced = 0 if signs.is_placed else self._unplaced + 1
            self._still = {
                partition: self._still.get(partition, 0) + 1
                for partition, position in signs.behind.items()
                if last.behind.get(partition) == position
            }
        return self._verdict()

    def _verdict(self) -> str | None:
        if self._silent >= POLL_LOOKS:
            return "a poll does not return"
        if self._unplaced >= PLACING_LOOKS:
            return "no assignment comes although the broker answers"
        stuck = [partition for partition, looks in self._still.items() if looks >= READING_LOOKS]
        if stuck:
            topic, number = min(stuck)
            return f"{topic}/{number} has records that are not read"
        return None
