"""How long it took until what a fault hit went on."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from contracts.events import OutcomeEvent
from tests.bench.faults.evidence import Blow, Evidence, Seen, in_flight


@dataclass(frozen=True)
class Recovery:
    """Seconds from the end of a blow. None where nothing was hit."""

    outcomes_s: float | None
    """To the next outcome from a partition that the victim had, or else from one that had a job in flight."""
    begun_s: float | None
    """Until the last job that was in flight had begun again or ended."""
    ended_s: float | None
    """Until the last job that was in flight had ended."""


def recovery_of(blow: Blow, evidence: Evidence) -> Recovery:
    """How long it took until what was hit went on."""
    last_words = {seen.name for seen in evidence.ends if blow.is_last_word(seen)}
    begun = [seen for seen in evidence.begun if seen.name not in last_words]
    hit = in_flight(begun, evidence.ends, blow.at_s, blow.victim)
    partitions: AbstractSet[str | None] = blow.partitions or {seen.partition for seen in hit}
    others = [
        seen for seen in (*evidence.begun, *evidence.ends) if seen.at_s >= blow.over_s and not blow.is_last_word(seen)
    ]
    ends = [seen for seen in others if isinstance(seen.event.data, OutcomeEvent)]
    names = {seen.name for seen in hit}
    return Recovery(
        _since(
            blow.over_s,
            [min((seen.at_s for seen in ends if not partitions or seen.partition in partitions), default=None)],
        ),
        _since(blow.over_s, _firsts(names, others)),
        _since(blow.over_s, _firsts(names, ends)),
    )


def slowest(recoveries: Sequence[Recovery]) -> Recovery:
    """The longest of each time."""
    return Recovery(
        max((each.outcomes_s for each in recoveries if each.outcomes_s is not None), default=None),
        max((each.begun_s for each in recoveries if each.begun_s is not None), default=None),
        max((each.ended_s for each in recoveries if each.ended_s is not None), default=None),
    )


def _firsts(names: AbstractSet[str], seen: Sequence[Seen]) -> list[float | None]:
    return [min((each.at_s for each in seen if each.name == name), default=None) for name in names]


def _since(over_s: float, times: Sequence[float | None]) -> float | None:
    """None when there is none, or when one never came: the job is told of as lost then."""
    known = [time for time in times if time is not None]
    return round(max(known) - over_s, 1) if known and len(known) == len(times) else None
