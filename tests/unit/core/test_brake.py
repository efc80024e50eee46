"""When a worker stops before it sets aside one job too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.brake import COUNTED, Brake, BrakeConfig
from contracts.errors import VERDICTS, ErrorCode, Verdict

LETTERS = [code for code, verdict in VERDICTS.items() if verdict in {Verdict.PERMANENT, Verdict.TRANSIENT}]
HARMLESS = sorted(set(LETTERS) - COUNTED)


def letters(brake: Brake, *codes: ErrorCode) -> int:
    """Sends letters until the brake is pulled; how many went out."""
    for number, code in enumerate(codes):
        if brake.check(code):
            return number
        brake.note_dead_letter(code)
    return len(codes)


def test_a_deploy_that_fails_everything_stops_at_the_end_of_a_run() -> None:
    brake = Brake(BrakeConfig(run=20))

    assert letters(brake, *[ErrorCode.INTERNAL] * 50) == 19


def test_the_reason_tells_how_many_and_which_and_what_to_do() -> None:
    brake = Brake(BrakeConfig(run=3))
    letters(brake, ErrorCode.INTERNAL, ErrorCode.MODEL_UNKNOWN)
    reason = brake.check(ErrorCode.INTERNAL) or ""

    assert reason.startswith("3 jobs in a row failed (2 INTERNAL, 1 MODEL_UNKNOWN; STENO_BRAKE__RUN)")
    assert "start the worker again" in reason


@pytest.mark.parametrize("code", HARMLESS)
def test_a_batch_of_bad_requests_or_files_stops_nobody(code: ErrorCode) -> None:
    assert letters(Brake(BrakeConfig(run=2, window=2, share=0.1)), *[code] * 1000) == 1000


def test_a_result_ends_a_run_and_a_bad_file_does_not() -> None:
    brake = Brake(BrakeConfig(run=3))
    assert letters(brake, ErrorCode.INTERNAL, ErrorCode.INTERNAL) == 2
    brake.note_success()
    assert letters(brake, ErrorCode.INTERNAL, ErrorCode.MEDIA_CORRUPT, ErrorCode.INTERNAL, ErrorCode.INTERNAL) == 3


def test_more_than_the_share_of_the_last_ends_is_too_many() -> None:
    brake = Brake(BrakeConfig(share=0.5, window=10, run=0))
    for _ in range(5):
        brake.note_success()
        assert letters(brake, ErrorCode.ENGINE_CRASHED) == 1
    reason = brake.check(ErrorCode.ENGINE_CRASHED) or ""

    assert reason.startswith("6 of the last 10 jobs failed (6 ENGINE_CRASHED; STENO_BRAKE__SHARE)")


def test_a_share_is_judged_only_once_there_are_enough_ends() -> None:
    assert letters(Brake(BrakeConfig(share=0.5, window=10, run=0)), *[ErrorCode.INTERNAL] * 20) == 9


def test_once_pulled_it_stays_so() -> None:
    brake = Brake(BrakeConfig(run=2))
    letters(brake, ErrorCode.INTERNAL)
    reason = brake.check(ErrorCode.INTERNAL)
    brake.note_success()

    assert reason
    assert brake.check(ErrorCode.ENGINE_TIMEOUT) == reason
    assert brake.check(ErrorCode.MEDIA_CORRUPT) is None


@pytest.mark.parametrize("config", [BrakeConfig(share=0, run=0), BrakeConfig(window=0, run=0)])
def test_zero_switches_it_off(config: BrakeConfig) -> None:
    assert letters(Brake(config), *[ErrorCode.INTERNAL] * 1000) == 1000


def test_only_codes_of_dead_letters_count() -> None:
    assert set(LETTERS) >= COUNTED


@given(st.lists(st.one_of(st.none(), st.sampled_from(LETTERS)), max_size=200), st.integers(1, 10), st.integers(0, 20))
def test_never_do_so_many_go_out_in_a_row_as_make_a_run(ends: list[ErrorCode | None], run: int, window: int) -> None:
    brake = Brake(BrakeConfig(share=0.5, window=window, run=run))
    longest = now = 0
    for end in ends:
        if end is None:
            brake.note_success()
            now = 0
        elif brake.check(end) is None:
            brake.note_dead_letter(end)
            now += end in COUNTED
            longest = max(longest, now)
    assert longest < run
