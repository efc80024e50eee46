"""When the next engine process is started."""

from __future__ import annotations

from consumer.engine.keeper import failures_after, restart_delay_s


def test_the_first_restart_is_at_once_and_failures_in_a_row_wait_ever_longer() -> None:
    assert [restart_delay_s(failures) for failures in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert restart_delay_s(100_000) == 30


def test_crashes_of_begun_jobs_never_delay_the_next_start() -> None:
    failures = 0
    for _ in range(7):
        failures = failures_after(failures, has_begun=True)
        assert restart_delay_s(failures) == 0


def test_deaths_before_any_job_has_begun_wait_ever_longer() -> None:
    assert failures_after(failures_after(0, has_begun=False), has_begun=False) == 2
