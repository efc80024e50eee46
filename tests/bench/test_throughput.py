"""What the figures of the throughput bench mean."""

from __future__ import annotations

from tests.bench.throughput import Figure, figure, machine


def test_figures_are_medians_over_all_jobs_and_of_each_turns_ratio() -> None:
    turns = [(10.0, 10.0), (20.0, 10.0), (10.0, 9.0)]
    assert figure("base", "batched", 2, 60.0, turns) == Figure(
        "base", "batched", 2, ours=12.0, direct=12.0, ratio=0.9, lowest=0.5, highest=1.0
    )


def test_the_machine_is_named() -> None:
    assert "CPUs, load" in machine()
