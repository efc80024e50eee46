"""Dead letters counted: by code, tenant, age and standing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from consumer.core.desk.entries import Deed, Standing
from consumer.core.desk.letters import NO_CODE, DeadLetter

_AGES: Final = (
    ("under 1 hour", timedelta(hours=1)),
    ("under 1 day", timedelta(days=1)),
    ("under 7 days", timedelta(days=7)),
    ("under 30 days", timedelta(days=30)),
    ("30 days and more", timedelta.max),
)


@dataclass(slots=True)
class Tally:
    """Grows with each letter."""

    now: datetime
    total: int = 0
    size_bytes: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    tenants: Counter[str] = field(default_factory=Counter)
    ages: Counter[str] = field(default_factory=Counter)
    standings: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None
    newest: datetime | None = None

    def add(self, letter: DeadLetter, standing: Standing, deed: Deed | None) -> None:
        """Counts one letter; what was handled is counted by what was done with it."""
        at = letter.set_aside_at
        self.total += 1
        self.size_bytes += letter.size_bytes or 0
        self.codes[letter.code] += 1
        self.tenants[letter.subject.tenant or NO_CODE] += 1
        self.ages[self._age(at)] += 1
        self.standings[deed if deed is not None and standing is Standing.HANDLED else standing] += 1
        self.oldest, self.newest = min(self.oldest or at, at), max(self.newest or at, at)

    @property
    def handled(self) -> int:
        """How many were replayed, parked or dropped."""
        return sum(self.standings[deed] for deed in Deed)

    @property
    def document(self) -> dict[str, Any]:
        """All of it, for JSON; the most frequent first, ages from young to old."""
        return {
            "total": self.total,
            "unhandled": self.total - self.handled,
            "handled": self.handled,
            "size_bytes": self.size_bytes,
            "oldest": self.oldest.isoformat(timespec="milliseconds") if self.oldest else None,
            "newest": self.newest.isoformat(timespec="milliseconds") if self.newest else None,
            "codes": dict(self.codes.most_common()),
            "tenants": dict(self.tenants.most_common()),
            "ages": {name: self.ages[name] for name, _ in _AGES if self.ages[name]},
            "standings": dict(self.standings.most_common()),
        }

    def _age(self, at: datetime) -> str:
        age = self.now - at
        return next(name for name, below in _AGES if age < below)
