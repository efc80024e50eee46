"""What an engine has been through since it was opened, for who counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from consumer.engine.job import Cause


@dataclass(slots=True)
class Tally:
    """Counts that only grow."""

    ends: Counter[Cause] = field(default_factory=Counter)
    """Processes that ended and were replaced, by why."""
    start_failures: int = 0
    loads: int = 0
    """Models loaded, each process's default one included."""
    load_s: float = 0.0
    """Seconds that those took."""
    load_failures: int = 0
    evictions: int = 0
    """Models dropped to make room."""

    def add_load(self, seconds: float) -> None:
        """Counts a model that is ready."""
        self.loads += 1
        self.load_s += seconds
