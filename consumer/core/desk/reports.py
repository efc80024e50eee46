"""What an order comes to, or came to, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from consumer.core.desk.entries import Deed, Standing
from consumer.core.desk.letters import DeadLetter
from consumer.core.desk.orders import Move, Obstacle, advice_on


@dataclass(slots=True)
class Report:
    """Grows with each dead letter that is meant."""

    meant: int = 0
    deeds: Counter[Deed] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    """Where copies go."""
    codes: Counter[str] = field(default_factory=Counter)
    """Of what something is done with."""
    obstacles: Counter[Obstacle] = field(default_factory=Counter)
    examples: dict[Obstacle, str] = field(default_factory=dict)
    """The first place of each."""
    busy: int = 0
    """Another run is at them."""
    doubtful: int = 0
    """A run broke off at them; they are done once more."""
    late: int = 0
    """Their deadline has passed."""

    @property
    def done(self) -> int:
        """Those that something is done with."""
        return sum(self.deeds.values())

    def meet(self, standing: Standing) -> None:
        """Counts one that is meant."""
        self.meant += 1
        self.doubtful += standing is Standing.DOUBTFUL

    def do(self, letter: DeadLetter, move: Move) -> None:
        """Counts what is done."""
        self.deeds[move.deed] += 1
        self.codes[letter.code] += 1
        self.late += move.is_late
        if move.copy is not None:
            self.topics[move.copy.topic] += 1

    def leave(self, letter: DeadLetter, obstacle: Obstacle) -> None:
        """Counts what cannot be done."""
        self.obstacles[obstacle] += 1
        self.examples.setdefault(obstacle, str(letter.place))

    @property
    def complaints(self) -> list[str]:
        """Sentences on what is left undone, or will not end well."""
        found = [
            f"{count} cannot be done, {self.examples[obstacle]} for one: {advice_on(obstacle)}"
            for obstacle, count in self.obstacles.items()
        ]
        if self.busy:
            found.append(f"{self.busy} are left to another run, which is at them or broke off minutes ago")
        if self.doubtful:
            found.append(f"{self.doubtful} may have been sent by a run that broke off; a copy bears the same ids")
        if self.late:
            found.append(f"{self.late} have a deadline that has passed and will be cancelled: see --extend-deadline")
        return found

    @property
    def document(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "selected": self.meant,
            **{deed.value: self.deeds[deed] for deed in Deed},
            "to": dict(self.topics.most_common()),
            "codes": dict(self.codes.most_common()),
            "undone": {obstacle.value: count for obstacle, count in self.obstacles.items()},
            "busy": self.busy,
            "doubtful": self.doubtful,
            "deadline_passed": self.late,
        }
