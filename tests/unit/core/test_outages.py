"""What is away, and whom that holds up."""

from __future__ import annotations

import pytest

from consumer.core.outages import SECOND_OPINION, Dependency, dependency_of, pauses_intake, wants_second_opinion
from contracts.errors import VERDICTS, ErrorCode, Verdict


@pytest.mark.parametrize("code", [code for code, verdict in VERDICTS.items() if verdict is Verdict.OUTAGE])
def test_every_outage_is_one_of_a_dependency(code: ErrorCode) -> None:
    assert dependency_of(code) in Dependency


@pytest.mark.parametrize("dependency", Dependency)
def test_what_everybody_needs_pauses_intake(dependency: Dependency) -> None:
    assert pauses_intake(dependency, None)


def test_a_model_asked_for_by_name_holds_up_its_own_jobs_alone() -> None:
    assert not pauses_intake(Dependency.MODEL, "small")


def test_a_second_opinion_is_wanted_after_some_failures() -> None:
    assert not wants_second_opinion(SECOND_OPINION - 1)
    assert wants_second_opinion(SECOND_OPINION)
