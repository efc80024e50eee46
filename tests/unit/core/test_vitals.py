"""When a member counts as stopped."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from consumer.core.offsets import Partition
from consumer.core.vitals import PLACING_LOOKS, POLL_LOOKS, READING_LOOKS, Signs, Vitals

LOOKS = 3 * max(POLL_LOOKS, READING_LOOKS, PLACING_LOOKS)
ONE: Partition = ("requests", 1)
TWO: Partition = ("requests", 2)


def healthy(number: int, *, is_placed: bool = True, behind: Mapping[Partition, int] | None = None) -> Signs:
    return Signs(polls=number, answers=number, is_placed=is_placed, behind=behind or {})


def looks_until_trouble(vitals: Vitals, signs: list[Signs]) -> tuple[int, str] | None:
    """How many looks it took, and what was said."""
    verdicts = ((number, vitals.look(look)) for number, look in enumerate(signs, 1))
    return next(((number, verdict) for number, verdict in verdicts if verdict), None)


def test_an_idle_member_is_well() -> None:
    assert looks_until_trouble(Vitals(), [healthy(number) for number in range(LOOKS)]) is None


def test_polls_that_do_not_return_are_trouble_with_and_without_a_broker() -> None:
    for answers in (lambda number: number, lambda _: 0):
        signs = [Signs(7, answers(number), is_placed=True, behind={}) for number in range(LOOKS)]
        assert looks_until_trouble(Vitals(), signs) == (POLL_LOOKS + 1, "a poll does not return")


def test_a_partition_that_stays_behind_at_one_position_is_trouble() -> None:
    signs = [healthy(number, behind={ONE: number, TWO: 40}) for number in range(LOOKS)]
    found = looks_until_trouble(Vitals(), signs)
    assert found == (READING_LOOKS + 1, "requests/2 has records that are not read")


@pytest.mark.parametrize(
    "interlude",
    [
        pytest.param({}, id="paused or read to the end"),
        pytest.param({ONE: 41}, id="read on"),
    ],
)
def test_one_sign_of_reading_starts_the_count_again(interlude: Mapping[Partition, int]) -> None:
    still = [healthy(number, behind={ONE: 40}) for number in range(READING_LOOKS)]
    signs = [*still, healthy(READING_LOOKS, behind=interlude), *still]
    renumbered = [Signs(number, number, look.is_placed, look.behind) for number, look in enumerate(signs)]
    assert looks_until_trouble(Vitals(), renumbered) is None


def test_nothing_is_expected_of_a_member_while_the_broker_answers_nothing() -> None:
    signs = [Signs(number, 3, is_placed=False, behind={ONE: 40}) for number in range(LOOKS)]
    assert looks_until_trouble(Vitals(), signs) is None


def test_an_assignment_that_never_comes_is_trouble() -> None:
    signs = [healthy(number, is_placed=False) for number in range(LOOKS)]
    found = looks_until_trouble(Vitals(), signs)
    assert found == (PLACING_LOOKS, "no assignment comes although the broker answers")


def test_rebalances_that_end_are_no_trouble() -> None:
    signs = [healthy(number, is_placed=number % PLACING_LOOKS == 0) for number in range(LOOKS)]
    assert looks_until_trouble(Vitals(), signs) is None
