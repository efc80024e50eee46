"""Which job starts next, and which model goes for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.engine.line import Admit, Fetch, Line, Rules, Running, Step, Waiting, next_step

SIZES = {"a": 1, "b": 1, "c": 1, "big": 10}
RULES = Rules(slots=2, models_bytes=2, sizes=SIZES)


def make_line(
    waiting: Sequence[Waiting | str] = (),
    running: Sequence[Running | str] = (),
    *,
    loaded: str = "",
    loading: str | None = None,
) -> Line:
    return Line(
        [each if isinstance(each, Waiting) else Waiting(number, each) for number, each in enumerate(waiting)],
        [each if isinstance(each, Running) else Running(each) for each in running],
        tuple(loaded),
        loading,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (make_line(), None),
        (make_line(["a"], loaded="a"), Admit(0)),
        (make_line(["a", "a"], ["a"], loaded="a"), Admit(0)),
        (make_line(["a"], ["a", "a"], loaded="a"), None),
        (make_line(["b"], ["a"], loaded="a"), Fetch("b", ())),
        (make_line(["b"], ["a", "a"], loaded="a"), Fetch("b", ())),
        (make_line(["c"], loaded="ab"), Fetch("c", ("a",))),
        (make_line(["c"], ["a"], loaded="ab"), Fetch("c", ("b",))),
        (make_line(["c"], ["a", "b"], loaded="ab"), None),
        (make_line(["b"], loaded="a", loading="b"), None),
        (make_line(["b", "c"], loaded="a", loading="b"), None),
    ],
    ids=[
        "nobody waits",
        "a job whose model is there starts",
        "the first of two",
        "no slot is free",
        "there is room for another model",
        "a model is loaded while the slots are taken",
        "the longest unused goes",
        "one in use stays",
        "all are in use",
        "it is being loaded",
        "one load at a time",
    ],
)
def test_the_next_step(line: Line, expected: Step | None) -> None:
    assert next_step(line, RULES) == expected


def test_a_model_that_an_earlier_job_waits_for_is_not_dropped() -> None:
    line = make_line(["a", "c"], ["b", "b"], loaded="ab")
    assert next_step(line, RULES) is None


def test_of_the_unused_that_goes_which_nobody_waits_for() -> None:
    line = make_line(["c", "a"], loaded="ab")
    assert next_step(line, RULES) == Fetch("c", ("b",))


def test_a_job_that_waits_for_a_model_is_passed_by_as_many_as_there_are_slots_and_no_more() -> None:
    assert next_step(make_line([Waiting(0, "c", passed_by=1), Waiting(1, "a")], ["b"], loaded="ab"), RULES) == Fetch(
        "c", ("a",)
    )
    in_use = ["a"]
    alone = Rules(slots=2, models_bytes=1, sizes=SIZES)
    assert next_step(make_line([Waiting(0, "c", passed_by=1), Waiting(1, "a")], in_use, loaded="a"), alone) == Admit(1)
    assert next_step(make_line([Waiting(0, "c", passed_by=2), Waiting(1, "a")], in_use, loaded="a"), alone) is None


def test_a_model_larger_than_the_limit_is_held_alone() -> None:
    line = Line([Waiting(0, "big")], [], ("a", "b"))
    assert next_step(line, RULES) == Fetch("big", ("a", "b"))
    assert next_step(Line([Waiting(0, "big")], [Running("a")], ("a", "b")), RULES) is None


@pytest.mark.parametrize(
    ("running", "expected"),
    [((), Admit(1)), (("a",), None), ((Running("a", goes_alone=True),), None)],
    ids=["empty", "another runs", "another suspect runs"],
)
def test_a_suspect_goes_first_and_alone(running: Sequence[Running | str], expected: Step | None) -> None:
    line = make_line(["a", Waiting(1, "a", goes_alone=True)], running, loaded="a")
    assert next_step(line, RULES) == expected


def test_nobody_joins_a_suspect() -> None:
    assert next_step(make_line(["a", "b"], [Running("a", goes_alone=True)], loaded="a"), RULES) is None


def test_a_suspect_waits_until_no_model_is_being_loaded() -> None:
    waiting = [Waiting(0, "a", goes_alone=True)]
    assert next_step(make_line(waiting, loaded="a", loading="b"), RULES) is None
    assert next_step(make_line(waiting, loaded="ab"), RULES) == Admit(0)


class Engine:
    """Plays what the desk does, and checks what must hold at each step."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.waiting: list[Waiting] = []
        self.running: list[Running] = []
        self.loaded: list[str] = []
        self.loading: str | None = None
        self.started: list[int] = []
        self.arrived = 0

    def arrive(self, model: str, *, goes_alone: bool) -> None:
        self.waiting.append(Waiting(self.arrived, model, goes_alone))
        self.arrived += 1

    def advance(self) -> None:
        while (step := next_step(Line(self.waiting, self.running, self.loaded, self.loading), self.rules)) is not None:
            if isinstance(step, Admit):
                self._admit(step)
            else:
                self._fetch(step)

    def finish_something(self) -> bool:
        if self.loading is not None:
            self.loaded.append(self.loading)
            self.loading = None
        elif self.running:
            self.running.pop(0)
        else:
            return False
        return True

    def _admit(self, step: Admit) -> None:
        place = next(place for place, each in enumerate(self.waiting) if each.job == step.job)
        job = self.waiting.pop(place)
        self.waiting = [
            Waiting(each.job, each.model, each.goes_alone, each.passed_by + (index < place and not job.goes_alone))
            for index, each in enumerate(self.waiting)
        ]
        assert job.model in self.loaded
        assert len(self.running) < self.rules.slots
        assert not job.goes_alone or not self.running
        assert not any(each.goes_alone for each in self.running)
        assert all(each.passed_by <= self.rules.slots for each in self.waiting)
        self.loaded.remove(job.model)
        self.loaded.append(job.model)
        self.running.append(Running(job.model, job.goes_alone))
        self.started.append(job.job)

    def _fetch(self, step: Fetch) -> None:
        assert self.loading is None
        assert step.model not in self.loaded
        assert not set(step.drop) & {each.model for each in self.running}
        self.loaded = [name for name in self.loaded if name not in step.drop]
        held = [*self.loaded, step.model]
        assert len(held) == 1 or sum(self.rules.sizes[name] for name in held) <= self.rules.models_bytes
        self.loading = step.model


@given(
    jobs=st.lists(st.tuples(st.sampled_from(sorted(SIZES)), st.booleans(), st.integers(0, 3)), max_size=30),
    slots=st.integers(1, 4),
    models_bytes=st.integers(1, 12),
)
def test_every_job_starts_once_and_no_model_goes_under_a_job(
    jobs: list[tuple[str, bool, int]], slots: int, models_bytes: int
) -> None:
    engine = Engine(Rules(slots, models_bytes, SIZES))
    for model, goes_alone, ends in jobs:
        engine.arrive(model, goes_alone=goes_alone)
        engine.advance()
        for _ in range(ends):
            engine.finish_something()
            engine.advance()
    while engine.finish_something():
        engine.advance()
    assert sorted(engine.started) == list(range(len(jobs)))


def test_a_suspect_is_loaded_with_no_jobs_beside_it() -> None:
    suspects = frozenset("b")
    assert next_step(Line([Waiting(0, "b")], [Running("a")], ("a",), None, suspects), RULES) is None
    assert next_step(Line([Waiting(0, "b")], [], ("a",), None, suspects), RULES) == Fetch("b", ())
    assert next_step(Line([Waiting(0, "a")], [], ("a",), "b", suspects), RULES) is None


def test_a_barred_model_is_not_loaded_and_holds_nobody_up() -> None:
    waiting = [Waiting(0, "b", goes_alone=True, passed_by=9), Waiting(1, "a")]
    assert next_step(Line(waiting, [], ("a",), barred=frozenset("b")), RULES) == Admit(1)
