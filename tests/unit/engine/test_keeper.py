"""When the next engine process is started."""

from __future__ import annotations

from consumer.engine.keeper import restart_delay_s


def test_the_first_restart_is_at_once_and_failures_in_a_row_wait_ever_longer() -> None:
    assert [restart_delay_s(failures) for failures in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert restart_delay_s(100_000) == 30
