"""The seam to whoever counts: what is told of each job when it is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from contracts.events import Kind


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How one job ended, once the broker knows it."""

    outcome: Kind
    code: str | None
    """Of a job without a result."""
    is_repeat: bool
    """Its result was there already: nothing was transcribed."""
    audio_s: float | None
    queued_s: float
    """From the record's timestamp to the start of its work."""
    total_s: float
    """From there to the confirmed outcome."""
    stages: Mapping[str, float]
    """Seconds by stage, of `consumer.stopwatch.STAGES`."""


class Meter(Protocol):
    """Counts."""

    def settled(self, end: JobEnd) -> None:
        """One more job has ended. Takes microseconds, and never raises."""
        ...
