"""What the end of a process says about its jobs."""

from __future__ import annotations

import pytest

from consumer.engine import protocol
from consumer.engine.job import Blame, Cause, Ended, Job, blame, cause_of_delay
from tests.make import make_segment

ENDS = (Cause.CRASH, Cause.MEMORY)


def begun() -> Job:
    return Job(1, is_begun=True)


def overdue(*, is_begun: bool = True) -> Job:
    return Job(2, is_begun=is_begun, is_overdue=True)


def waiting() -> Job:
    return Job(3)


@pytest.mark.parametrize(
    ("cause", "jobs", "expected"),
    [
        *((cause, (begun(),), (Blame.ALONE,)) for cause in ENDS),
        *((cause, (begun(), begun()), (Blame.SHARED, Blame.SHARED)) for cause in ENDS),
        *((cause, (begun(), waiting()), (Blame.ALONE, Blame.NONE)) for cause in ENDS),
        (Cause.STUCK, (overdue(), begun(), waiting()), (Blame.ALONE, Blame.NONE, Blame.NONE)),
        (Cause.STUCK, (begun(), waiting()), (Blame.NONE, Blame.NONE)),
        (Cause.STILL, (overdue(),), (Blame.ALONE,)),
        (Cause.STILL, (overdue(is_begun=False),), (Blame.ALONE,)),
        (Cause.STILL, (overdue(), begun(), waiting()), (Blame.SHARED, Blame.SHARED, Blame.NONE)),
        (Cause.STILL, (overdue(is_begun=False), waiting()), (Blame.SHARED, Blame.NONE)),
    ],
)
def test_who_shared_the_end_of_a_process_is_not_blamed_alone(
    cause: Cause, jobs: tuple[Job, ...], expected: tuple[Blame, ...]
) -> None:
    assert tuple(blame(job, cause, jobs) for job in jobs) == expected


@pytest.mark.parametrize("cause", ENDS)
def test_a_load_under_way_makes_the_end_no_jobs_fault(cause: Cause) -> None:
    job = begun()
    assert blame(job, cause, [job], is_loading=True) is Blame.NONE
    assert blame(job, cause, [job]) is Blame.ALONE


def test_a_load_under_way_is_company_in_a_process_that_stands_still() -> None:
    job = overdue()
    assert blame(job, Cause.STILL, [job], is_loading=True) is Blame.SHARED


@pytest.mark.parametrize(
    ("silent_s", "expected"), [(0, Cause.STUCK), (75, Cause.STUCK), (76, Cause.STILL), (9000, Cause.STILL)]
)
def test_a_process_stands_still_when_nothing_came_of_it_in_a_quarter_of_the_time(
    silent_s: float, expected: Cause
) -> None:
    assert cause_of_delay(300, silent_s) is expected


async def test_replies_come_in_order_and_the_beginning_is_none() -> None:
    job = Job(7)
    replies: list[protocol.JobReply] = [protocol.SegmentFound(7, make_segment()), protocol.Done(7, "en", 1.0)]
    job.take(protocol.Begun(7))
    for reply in replies:
        job.take(reply)
    assert job.is_begun
    assert [job.replies.get_nowait() for _ in replies] == replies
    assert job.is_over.is_set()


async def test_a_job_that_was_told_to_stop_is_over_without_a_reply() -> None:
    job = Job(7, is_cancelled=True)
    job.take(protocol.Cancelled(7))
    assert job.is_over.is_set()
    assert job.replies.empty()


async def test_a_job_that_stops_untold_is_a_breach_and_hears_of_the_end() -> None:
    job = Job(7)
    with pytest.raises(protocol.ProtocolError, match="nobody cancelled"):
        job.take(protocol.Cancelled(7))
    assert not job.is_over.is_set()
    job.take(Ended("it ended", Cause.CRASH, Blame.ALONE))
    assert job.is_over.is_set()
