"""Which dead letters are meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consumer.core.desk.letters import NO_CODE, DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions that all have to hold; of the values of one, any. Empty ones hold for everything."""

    codes: frozenset[str] = frozenset()
    """Codes, or names of exceptions' classes, short or in full."""
    tenants: frozenset[str] = frozenset()
    """`-` stands for none, here and for jobs."""
    jobs: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    offsets: tuple[range, ...] = ()
    since_ms: int | None = None
    """Set aside at this time or later."""
    until_ms: int | None = None
    """Set aside before this time."""
    limit: int | None = None
    """At most so many, the first by partition and offset."""
    takes_handled: bool = False
    """Also those that were replayed, parked or dropped already."""

    def wants(self, letter: DeadLetter) -> bool:
        """Whether what the letter says fits; whether it was handled is another question."""
        place, at_ms = letter.place, letter.timestamp_ms
        subject = letter.subject
        return (
            (not self.codes or not self.codes.isdisjoint((letter.code, letter.exception)))
            and _fits(subject.tenant, self.tenants)
            and _fits(subject.job_id, self.jobs)
            and (not self.partitions or place.partition in self.partitions)
            and (not self.offsets or any(place.offset in each for each in self.offsets))
            and (self.since_ms is None or at_ms >= self.since_ms)
            and (self.until_ms is None or at_ms < self.until_ms)
        )

    def spans(self, extent: range) -> Iterator[range]:
        """The parts of a partition's offsets that have to be read, in order."""
        for each in _merged(self.offsets) if self.offsets else (extent,):
            span = range(max(each.start, extent.start), min(each.stop, extent.stop))
            if span:
                yield span


def _fits(found: str | None, wanted: frozenset[str]) -> bool:
    return not wanted or (found or NO_CODE) in wanted


def _merged(ranges: tuple[range, ...]) -> list[range]:
    """Ranges in order that do not overlap: nothing is read twice."""
    merged: list[range] = []
    for each in sorted(ranges, key=lambda found: found.start):
        if merged and each.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, each.stop))
        else:
            merged.append(each)
    return merged
