"""One line of the table: what came of the jobs, and whether the promises held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from contracts.events import Kind
from tests.bench.faults.evidence import Evidence, kind_of, transcriptions_of
from tests.bench.faults.promises import Bounds, broken_bounds, broken_promises
from tests.bench.faults.recovery import recovery_of, slowest


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    title: str
    sent: int
    completed: int
    failed: int
    dead_letters: int
    outcome_events: int
    repeated: int
    """Of them, those whose (source, id) was seen before."""
    transcriptions: int
    """Begun, as in `transcriptions_of`."""
    strikes: int
    recovery_s: float | None
    rerun_s: float | None
    hit_done_s: float | None
    seconds: float
    did_not_hold: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every promise held."""
        return not self.did_not_hold


def make_row(fault: str, title: str, seconds: float, evidence: Evidence, bounds: Bounds) -> Row:
    """Counts and judges."""
    kinds = Counter({seen.name: kind_of(seen) for seen in evidence.ends}.values())
    events = [(seen.event.source, seen.event.id) for seen in evidence.ends]
    recovery = slowest([recovery_of(blow, evidence) for blow in evidence.blows])
    return Row(
        fault=fault,
        title=title,
        sent=len(evidence.sent),
        completed=kinds[Kind.COMPLETED],
        failed=kinds[Kind.FAILED],
        dead_letters=len(evidence.letters),
        outcome_events=len(events),
        repeated=len(events) - len(set(events)),
        transcriptions=transcriptions_of(evidence).total(),
        strikes=evidence.strikes,
        recovery_s=recovery.outcomes_s,
        rerun_s=recovery.begun_s,
        hit_done_s=recovery.ended_s,
        seconds=round(seconds, 1),
        did_not_hold=[*broken_promises(evidence), *broken_bounds(evidence, recovery, bounds), *evidence.remarks],
    )
