"""Which promises did not hold, decided from what was seen alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from contracts.events import Kind
from tests.bench.faults.evidence import Evidence, Seen, end_of, kind_of, transcriptions_of
from tests.bench.faults.recovery import Recovery

_SHOWN: Final = 5


@dataclass(frozen=True)
class Bounds:
    """What a fault may cost at most; None: whatever it takes."""

    again: int | None = None
    """Transcriptions begun for a job that was begun before."""
    transcriptions: int | None = None
    """In all."""
    outcomes_s: float | None = None
    begun_s: float | None = None
    is_struck: bool = True
    """Whether the fault has to have taken place."""


def broken_promises(evidence: Evidence) -> Iterator[str]:
    """A line for each promise that did not hold, whatever the fault was."""
    ended = {seen.name for seen in evidence.ends}
    expected = {sent.name: sent.end for sent in evidence.sent}
    yield from _told("lost", set(expected) - ended)
    yield from _told("never sent", ended - set(expected))
    yield from _told("ended otherwise", {f"{s.name} {end_of(s)}" for s in evidence.ends
                                         if end_of(s) != expected.get(s.name, end_of(s))})  # fmt: skip
    yield from _told("doubled", set(_doubled(evidence.ends)))
    completed = {seen.name for seen in evidence.ends if kind_of(seen) is Kind.COMPLETED}
    failed = {seen.name for seen in evidence.ends if kind_of(seen) is Kind.FAILED}
    yield from _told("result set not whole", completed - evidence.whole)
    yield from _told("failed without a dead letter", failed - set(evidence.letters))
    yield from _told("dead letter without a failed outcome", set(evidence.letters) - failed)
    if evidence.lag:
        yield f"stuck: {evidence.lag} records not committed"
    if any(evidence.exit_codes):
        yield f"stuck: exit codes {[code for code in evidence.exit_codes if code]}"


def _doubled(ends: Sequence[Seen]) -> Iterator[str]:
    """Jobs with two ends, or with two tellings of one end that differ."""
    tellings: dict[str, set[tuple[str, str, bytes]]] = {}
    for seen in ends:
        value = seen.value if kind_of(seen) is Kind.COMPLETED else end_of(seen).encode()
        tellings.setdefault(seen.name, set()).add((seen.event.source, seen.event.id, value))
    return (name for name, told in tellings.items() if len(told) > 1)


def broken_bounds(evidence: Evidence, recovery: Recovery, bounds: Bounds) -> Iterator[str]:
    """A line for each bound that was exceeded."""
    if bounds.is_struck and not evidence.strikes:
        yield "the fault never took place"
    transcriptions = transcriptions_of(evidence)
    if bounds.transcriptions is not None and transcriptions.total() > bounds.transcriptions:
        yield f"{transcriptions.total()} transcriptions, at most {bounds.transcriptions} allowed"
    again = sum(times - 1 for times in transcriptions.values())
    if bounds.again is not None and again > bounds.again:
        yield f"{again} transcriptions begun again, at most {bounds.again} allowed"
    yield from _late("outcomes", recovery.outcomes_s, bounds.outcomes_s)
    yield from _late("jobs in flight", recovery.begun_s, bounds.begun_s)


def _late(what: str, took_s: float | None, limit_s: float | None) -> Iterator[str]:
    if took_s is not None and limit_s is not None and took_s > limit_s:
        yield f"{what} again after {took_s} s, at most {limit_s:g} s allowed"


def _told(what: str, names: AbstractSet[str]) -> Iterator[str]:
    if names:
        shown = sorted(names)[:_SHOWN]
        yield f"{what}: {len(names)} ({', '.join(shown)}{', …' if len(names) > _SHOWN else ''})"
