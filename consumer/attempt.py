"""One try at one job."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from consumer.core.hops import not_before_ms
from consumer.core.jobs import Job
from consumer.core.records import Record
from consumer.stopwatch import Stopwatch
from consumer.turns import Turn


@dataclass(frozen=True, slots=True)
class Attempt:
    """What belongs to a try from its beginning to its end."""

    job: Job
    record: Record
    turn: Turn
    stopwatch: Stopwatch
    started_at: datetime

    @property
    def queued_s(self) -> float:
        """Seconds that it waited for its beginning."""
        return queued_s(self.record, self.stopwatch)


def queued_s(record: Record, stopwatch: Stopwatch) -> float:
    """Seconds between the record's timestamp, or the moment at which a retry was due, and the start of its work."""
    since_ms = max(record.timestamp_ms, not_before_ms(record) or 0)
    return round(max(time.time() - stopwatch.total_s - since_ms / 1000, 0.0), 4)
