"""Whose fault the end of a job was."""

from __future__ import annotations

import pytest

from consumer.core.failures import PermanentError, TransientError
from consumer.engine.attempt import Again, is_exhausted, judge, rising
from consumer.engine.job import Blame, Cause, Ended
from consumer.engine.protocol import Failed
from contracts.errors import ErrorCode

HOW = "the engine process was ended by SIGKILL"
ALONE, AGAIN = Again(goes_alone=True), Again(goes_alone=False)
CRASHED, TIMEOUT, MEMORY = ErrorCode.ENGINE_CRASHED, ErrorCode.ENGINE_TIMEOUT, ErrorCode.GPU_OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("cause", "shared", "alone"),
    [
        (Cause.CRASH, ALONE, CRASHED),
        (Cause.MEMORY, ALONE, MEMORY),
        (Cause.STILL, ALONE, TIMEOUT),
        (Cause.STUCK, TIMEOUT, TIMEOUT),
        (Cause.CLOSED, CRASHED, CRASHED),
    ],
)
def test_an_end_that_was_shared_is_tried_alone_and_one_alone_is_charged(
    cause: Cause, shared: Again | ErrorCode, alone: ErrorCode
) -> None:
    for blame, expected in ((Blame.SHARED, shared), (Blame.ALONE, alone)):
        verdict = judge(Ended(HOW, cause, blame), had_company=True, deadline_s=9)
        assert (verdict if isinstance(verdict, Again) else verdict.code) == expected


@pytest.mark.parametrize("had_company", [False, True])
@pytest.mark.parametrize("cause", Cause)
def test_who_is_not_to_blame_goes_again_in_company(cause: Cause, *, had_company: bool) -> None:
    assert judge(Ended(HOW, cause, Blame.NONE), had_company=had_company, deadline_s=9) == AGAIN


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (Cause.CRASH, f"{HOW}, in the midst of this job"),
        (Cause.MEMORY, HOW),
        (Cause.STILL, "the transcription took longer than 9.5 s"),
    ],
)
def test_who_is_charged_hears_why_and_may_be_tried_later(cause: Cause, text: str) -> None:
    verdict = judge(Ended(HOW, cause, Blame.ALONE), had_company=False, deadline_s=9.5)
    assert isinstance(verdict, TransientError)
    assert verdict.message == text


@pytest.mark.parametrize("had_company", [False, True])
@pytest.mark.parametrize(
    ("code", "kind"), [(ErrorCode.REQUEST_INVALID, PermanentError), (ErrorCode.INTERNAL, TransientError)]
)
def test_a_failure_keeps_its_code_and_words(
    code: ErrorCode, kind: type[PermanentError | TransientError], *, had_company: bool
) -> None:
    verdict = judge(Failed(1, code, "why"), had_company=had_company, deadline_s=9)
    assert isinstance(verdict, kind)
    assert (verdict.code, verdict.message) == (code, "why")


def test_a_device_without_memory_is_charged_to_a_job_only_that_was_alone() -> None:
    full = Failed(1, MEMORY, "out of memory")
    together = judge(full, had_company=True, deadline_s=9)
    alone = judge(full, had_company=False, deadline_s=9)
    assert together == Again(goes_alone=True, is_exhausted=True)
    assert isinstance(alone, TransientError)
    assert (is_exhausted(together), is_exhausted(alone)) == (True, True)


@pytest.mark.parametrize(
    "end", [ALONE, AGAIN, TransientError(CRASHED, ""), PermanentError(ErrorCode.MODEL_UNKNOWN, "")]
)
def test_no_other_end_says_that_the_process_has_no_memory(end: Again | TransientError | PermanentError) -> None:
    assert not is_exhausted(end)


def test_progress_that_was_told_before_is_held_back() -> None:
    told: list[float] = []
    tell = rising(told.append)
    for done_s in (0.0, 30.0, 30.0, 10.0, 20.0, 40.0):
        tell(done_s)
    assert told == [30.0, 40.0]
