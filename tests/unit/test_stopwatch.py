"""Seconds by stage."""

from __future__ import annotations

import pytest

from consumer.stopwatch import Stopwatch


def test_repeated_stages_add_up_and_an_absent_one_is_nothing() -> None:
    stopwatch = Stopwatch()
    for _ in range(2):
        with stopwatch.stage("fetch"):
            pass

    assert stopwatch.seconds("fetch") > 0
    assert stopwatch.seconds("decode") == 0


def test_a_stage_counts_however_it_ends() -> None:
    stopwatch = Stopwatch()
    with pytest.raises(ValueError, match="broken"), stopwatch.stage("fetch"):
        raise ValueError("broken")

    assert stopwatch.seconds("fetch") > 0


def test_a_part_of_a_stage_can_be_told_apart() -> None:
    stopwatch = Stopwatch()
    with stopwatch.stage("wait"):
        pass
    stopwatch.split("wait", "engine", 5.0)

    assert (stopwatch.seconds("wait"), stopwatch.seconds("engine")) == (0.0, 5.0)


def test_the_fields_name_their_unit_and_the_total() -> None:
    stopwatch = Stopwatch()
    with stopwatch.stage("fetch"):
        pass

    assert set(stopwatch.fields()) == {"fetch_s", "total_s"}
