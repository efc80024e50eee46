"""What came of the jobs of one fault, and whether the promises held: decided from what was seen alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from contracts.events import Event, Kind, OutcomeEvent


@dataclass(frozen=True)
class Sent:
    """One job, and the end that it has to come to."""

    name: str
    """Its job id, or where its record stands if it holds no job."""
    end: str = Kind.COMPLETED
    """`completed`, or the code of its error."""


@dataclass(frozen=True)
class Seen:
    """An event, and when a reader had it, in seconds of the bench's own clock."""

    at_s: float
    event: Event
    value: bytes

    @property
    def name(self) -> str:
        """The job's id, or the place of the bytes that held none."""
        place = self.event.id.removesuffix("/failed")
        return place if place == self.event.cause else str(self.event.data.job_id)

    @property
    def worker(self) -> str:
        """Who says so."""
        return self.event.data.worker

    @property
    def partition(self) -> str | None:
        """Topic and partition of the record that it came of."""
        return self.event.cause.rpartition("/")[0] if self.event.cause else None


@dataclass(frozen=True)
class Blow:
    """One strike of a fault, from its beginning to its end, which may be the same."""

    at_s: float
    over_s: float
    victim: str | None = None
    """The worker that was struck; None where all were."""
    is_fatal: bool = False
    """The victim says nothing more."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from the end of a blow. None where nothing was hit."""

    outcomes_s: float | None
    """To the next outcome from a partition that had a job in flight, of another worker if the victim is dead."""
    begun_s: float | None
    """Until the last job that was in flight had begun again or ended."""
    ended_s: float | None
    """Until the last job that was in flight had ended."""


@dataclass(frozen=True)
class Evidence:
    """All that was seen."""

    sent: Sequence[Sent]
    begun: Sequence[Seen] = ()
    ends: Sequence[Seen] = ()
    letters: Sequence[str] = ()
    """What each dead letter is about, as in `Sent.name`."""
    whole: AbstractSet[str] = frozenset()
    """Jobs whose result set is whole and says what it should."""
    lag: int = 0
    """Records of requests and retries that nobody has committed."""
    exit_codes: Sequence[int] = ()
    """Of the workers that were asked to stop at the end, or before."""
    blows: Sequence[Blow] = ()
    strikes: int = 0
    """How often the fault took place."""
    remarks: Sequence[str] = ()
    """What else did not hold."""


@dataclass(frozen=True)
class Bounds:
    """What a fault may cost at most; None: whatever it takes."""

    again: int | None = None
    """Transcriptions begun for a job that was begun before."""
    outcomes_s: float | None = None
    begun_s: float | None = None
    is_struck: bool = True
    """Whether the fault has to have taken place."""


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
    """Begun: `started` events, and at least one for each result."""
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
    kinds = Counter({seen.name: _kind_of(seen) for seen in evidence.ends}.values())
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
        did_not_hold=[*_broken_promises(evidence), *_broken_bounds(evidence, recovery, bounds), *evidence.remarks],
    )


def transcriptions_of(evidence: Evidence) -> Counter[str]:
    """How often each job was begun. Events of progress may be lost, so a result counts for one as well."""
    begun = Counter(seen.name for seen in evidence.begun)
    return begun | Counter(evidence.whole)


def recovery_of(blow: Blow, evidence: Evidence) -> Recovery:
    """How long it took until what was hit went on."""
    hit = in_flight(evidence.begun, evidence.ends, blow.at_s, blow.victim)
    partitions = {seen.partition for seen in hit}
    others = [
        seen
        for seen in (*evidence.begun, *evidence.ends)
        if seen.at_s >= blow.over_s and not (blow.is_fatal and seen.worker == blow.victim)
    ]
    ends = [seen for seen in others if seen.event.data.__class__ is OutcomeEvent]
    names = {seen.name for seen in hit}
    return Recovery(
        _since(
            blow.over_s, [min((seen.at_s for seen in ends if not hit or seen.partition in partitions), default=None)]
        ),
        _since(blow.over_s, _firsts(names, others)),
        _since(blow.over_s, _firsts(names, ends)),
    )


def in_flight(begun: Sequence[Seen], ends: Sequence[Seen], at_s: float, victim: str | None) -> list[Seen]:
    """The beginnings of jobs that had not ended by then; those of one worker, or of all."""
    over = {seen.name for seen in ends if seen.at_s < at_s}
    latest = {seen.name: seen for seen in begun if seen.at_s < at_s and seen.name not in over}
    return [seen for seen in latest.values() if victim in (None, seen.worker)]


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


def _kind_of(seen: Seen) -> Kind:
    assert isinstance(seen.event.data, OutcomeEvent)
    return seen.event.data.outcome


def _end_of(seen: Seen) -> str:
    assert isinstance(seen.event.data, OutcomeEvent)
    error = seen.event.data.error
    return error.code if error else seen.event.data.outcome


def _broken_promises(evidence: Evidence) -> Iterator[str]:
    ended = {seen.name for seen in evidence.ends}
    expected = {sent.name: sent.end for sent in evidence.sent}
    yield from _told("lost", set(expected) - ended)
    yield from _told("never sent", ended - set(expected))
    yield from _told("ended otherwise", {f"{s.name} {_end_of(s)}" for s in evidence.ends
                                         if _end_of(s) != expected.get(s.name, _end_of(s))})  # fmt: skip
    yield from _told("doubled", set(_doubled(evidence.ends)))
    completed = {seen.name for seen in evidence.ends if _kind_of(seen) is Kind.COMPLETED}
    failed = {seen.name for seen in evidence.ends if _kind_of(seen) is Kind.FAILED}
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
        value = seen.value if _kind_of(seen) is Kind.COMPLETED else _end_of(seen).encode()
        tellings.setdefault(seen.name, set()).add((seen.event.source, seen.event.id, value))
    return (name for name, told in tellings.items() if len(told) > 1)


def _broken_bounds(evidence: Evidence, recovery: Recovery, bounds: Bounds) -> Iterator[str]:
    if bounds.is_struck and not evidence.strikes:
        yield "the fault never took place"
    again = sum(times - 1 for times in transcriptions_of(evidence).values())
    if bounds.again is not None and again > bounds.again:
        yield f"{again} transcriptions begun again, at most {bounds.again} allowed"
    yield from _late("outcomes", recovery.outcomes_s, bounds.outcomes_s)
    yield from _late("jobs in flight", recovery.begun_s, bounds.begun_s)


def _late(what: str, took_s: float | None, limit_s: float | None) -> Iterator[str]:
    if took_s is not None and limit_s is not None and took_s > limit_s:
        yield f"{what} again after {took_s} s, at most {limit_s:g} s allowed"


_SHOWN = 5


def _told(what: str, names: AbstractSet[str]) -> Iterator[str]:
    if names:
        shown = sorted(names)[:_SHOWN]
        yield f"{what}: {len(names)} ({', '.join(shown)}{', …' if len(names) > _SHOWN else ''})"
