"""Models whose loading has ended the process. Pure: the time is an argument."""

from __future__ import annotations

from typing import Final

_FIRST_PAUSE_S: Final = 30.0
_LONGEST_PAUSE_S: Final = 600.0


def pause_s(deaths: int) -> float:
    """How long a model stays out: not at all after the first death in a row, then 30, 60, 120 ... 600 s."""
    return min(_FIRST_PAUSE_S * 2.0 ** min(deaths - 2, 5), _LONGEST_PAUSE_S) if deaths > 1 else 0.0


class Suspects:
    """Counts deaths in a row by model."""

    def __init__(self) -> None:
        """Suspects none."""
        self._deaths: dict[str, int] = {}
        self._until_s: dict[str, float] = {}

    def add_death(self, model: str, now_s: float) -> None:
        """The process has ended while it loaded this model."""
        self._deaths[model] = self._deaths.get(model, 0) + 1
        self._until_s[model] = now_s + pause_s(self._deaths[model])

    def clear(self, model: str) -> None:
        """It has been loaded."""
        self._deaths.pop(model, None)
        self._until_s.pop(model, None)

    @property
    def names(self) -> frozenset[str]:
        """Models to be loaded with no jobs beside them: the one death may have been a job's."""
        return frozenset(self._deaths)

    def barred(self, now_s: float) -> frozenset[str]:
        """Models that are not to be loaded now."""
        return frozenset(name for name, until_s in self._until_s.items() if now_s < until_s)
