"""How many jobs run at once and how many threads each may use: pure, so that it can be shown before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MOST_SLOTS: Final = 4
"""Beyond four jobs at once the cores serve a job better: one file is done sooner and fewer files lie in memory."""


@dataclass(frozen=True, slots=True)
class Threads:
    """What an engine works with."""

    slots: int
    """Jobs at once."""
    cpu_threads: int
    """Threads of each job."""


def choose_threads(cores: int, slots: int, cpu_threads: int, device: str = "cpu") -> Threads:
    """Fills in what the settings leave open (0).

    On two cores two jobs of one thread each get 1.3 times as much done as one job of two threads, so slots come
    first and share the cores. A GPU runs one job at a time unless told otherwise: its memory sets the limit.

    Args:
        cores: that this process may use; at least 1.
        slots: as set; 0 is open.
        cpu_threads: as set; 0 is open.
        device: `cpu` or `cuda`.
    """
    if not slots:
        slots = 1 if device == "cuda" else min(max(cores // (cpu_threads or 1), 1), _MOST_SLOTS)
    return Threads(slots, cpu_threads or max(cores // slots, 1))
