"""What the end of a process says about its jobs."""

from __future__ import annotations

import pytest

from consumer.engine.job import Blame, Cause, Job, blame


@pytest.mark.parametrize("cause", [Cause.CRASH, Cause.MEMORY])
def test_a_load_under_way_makes_the_end_no_jobs_fault(cause: Cause) -> None:
    job = Job(1, is_begun=True)
    assert blame(job, cause, [job], is_loading=True) is Blame.NONE
    assert blame(job, cause, [job]) is Blame.ALONE
