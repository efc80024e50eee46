"""How slots share the cores."""

from __future__ import annotations

import pytest

from consumer.engine.threads import Threads, choose_threads


@pytest.mark.parametrize(
    ("cores", "slots", "cpu_threads", "device", "expected"),
    [
        (1, 0, 0, "cpu", Threads(1, 1)),
        (2, 0, 0, "cpu", Threads(2, 1)),
        (3, 0, 0, "cpu", Threads(3, 1)),
        (4, 0, 0, "cpu", Threads(4, 1)),
        (16, 0, 0, "cpu", Threads(4, 4)),
        (2, 1, 0, "cpu", Threads(1, 2)),
        (8, 3, 0, "cpu", Threads(3, 2)),
        (2, 8, 0, "cpu", Threads(8, 1)),
        (8, 0, 8, "cpu", Threads(1, 8)),
        (8, 0, 16, "cpu", Threads(1, 16)),
        (8, 0, 4, "cpu", Threads(2, 4)),
        (2, 3, 5, "cpu", Threads(3, 5)),
        (16, 0, 0, "cuda", Threads(1, 16)),
        (16, 4, 0, "cuda", Threads(4, 4)),
    ],
)
def test_what_is_left_open_is_filled_in(
    cores: int, slots: int, cpu_threads: int, device: str, expected: Threads
) -> None:
    assert choose_threads(cores, slots, cpu_threads, device) == expected
