"""The tree of failures and the table of verdicts fit each other."""

from __future__ import annotations

import pytest

from consumer.core.failures import ExitCode, FatalError, JobError, OutageError, PermanentError, TransientError
from consumer.core.pauses import LONGEST_S, pause_s
from contracts.errors import VERDICTS, ErrorCode, Verdict

CLASSES: dict[Verdict, type[JobError]] = {
    Verdict.PERMANENT: PermanentError,
    Verdict.TRANSIENT: TransientError,
    Verdict.OUTAGE: OutageError,
}


def test_every_code_has_a_verdict() -> None:
    assert set(VERDICTS) == set(ErrorCode)


@pytest.mark.parametrize("code", [code for code in ErrorCode if VERDICTS[code] in CLASSES])
def test_a_code_fits_the_class_of_its_verdict_and_no_other(code: ErrorCode) -> None:
    for verdict, kind in CLASSES.items():
        if verdict is VERDICTS[code]:
            assert kind(code, "m").code is code
        else:
            with pytest.raises(ValueError, match=code):
                kind(code, "m")


def test_a_fatal_error_brings_its_exit_code() -> None:
    assert FatalError(ExitCode.REFUSED, "no").exit_code == 77


@pytest.mark.parametrize(("failures", "full_s"), [(1, 0.5), (2, 1.0), (6, 16.0), (7, LONGEST_S), (10_000, LONGEST_S)])
def test_pauses_double_up_to_half_a_minute_and_jitter_takes_off_up_to_half(failures: int, full_s: float) -> None:
    assert pause_s(failures, 0.0) == full_s
    assert pause_s(failures, 1.0) == full_s / 2


def test_a_message_is_cut_where_it_is_too_long_to_travel() -> None:
    error = PermanentError(ErrorCode.REQUEST_INVALID, "x" * 10_000_000)

    assert (len(error.message), error.message[-1]) == (1000, "…")
    assert str(error) == error.message
