"""Which waiting job starts next, and which model is loaded for it at whose expense. Pure: the state is an argument.

Jobs start in the order in which they came, with three exceptions. One that is under suspicion of having crashed or
stopped the process goes first and alone, while no model is loaded either. One whose model has to wait for room, or is
being loaded, lets others pass whose model is there, but at most one for each slot, so that it never starves. And a
model is never dropped under a job: neither one in use nor one that an earlier job waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits, in order of arrival."""

    job: int
    model: str
    goes_alone: bool = False
    passed_by: int = 0
    """How many later jobs have started since, those that go alone aside."""


@dataclass(frozen=True, slots=True)
class Running:
    """A job in a slot."""

    model: str
    goes_alone: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Everything that the decision looks at."""

    waiting: Sequence[Waiting]
    running: Sequence[Running]
    loaded: Sequence[str]
    """Models, the longest unused first."""
    loading: str | None = None
    suspects: frozenset[str] = frozenset()
    """Models that are loaded with no jobs beside them."""
    barred: frozenset[str] = frozenset()
    """Models that are not loaded now."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for the life of an engine."""

    slots: int
    models_bytes: int
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Admit:
    """Start this job now."""

    job: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Drop these models and load that one."""

    model: str
    drop: tuple[str, ...]


Step = Admit | Fetch


def next_step(line: Line, rules: Rules) -> Step | None:
    """The next thing to do; None when something has to end first."""
    if any(running.goes_alone for running in line.running) or line.loading in line.suspects:
        return None
    waiting = [each for each in line.waiting if each.model in line.loaded or each.model not in line.barred]
    queue = [each for each in waiting if each.goes_alone][:1] or waiting
    for place, wanted in enumerate(queue):
        if wanted.model in line.loaded:
            if _has_room(wanted, line, rules):
                return Admit(wanted.job)
        elif line.loading is None and not (wanted.model in line.suspects and line.running):
            drop = _victims(wanted.model, queue[:place], queue[place + 1 :], line, rules)
            if drop is not None:
                return Fetch(wanted.model, drop)
        if wanted.passed_by >= rules.slots:
            break
    return None


def _has_room(wanted: Waiting, line: Line, rules: Rules) -> bool:
    if wanted.goes_alone:
        return not line.running and line.loading is None
    return len(line.running) < rules.slots


def _victims(
    model: str, earlier: Iterable[Waiting], later: Iterable[Waiting], line: Line, rules: Rules
) -> tuple[str, ...] | None:
    """Whom to drop so that the model fits; None when those that would have to go are needed."""
    pinned = {running.model for running in line.running} | {waiting.model for waiting in earlier}
    soon = {waiting.model for waiting in later}
    free = [name for name in line.loaded if name not in pinned]
    free.sort(key=lambda name: name in soon)  # stable: the longest unused of those that nobody waits for goes first
    excess = sum(rules.sizes[name] for name in line.loaded) + rules.sizes[model] - rules.models_bytes
    drop: list[str] = []
    while excess > 0 and free:
        drop.append(free.pop(0))
        excess -= rules.sizes[drop[-1]]
    is_alone = len(drop) == len(line.loaded)
    return tuple(drop) if excess <= 0 or is_alone else None
