"""What a lease's object says to who wants the job, by its age in the store."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.core.leases import (
    Available,
    Deliveries,
    Held,
    LeaseDocument,
    LeaseState,
    LeaseTerms,
    is_live,
    judge_lease,
    read_lease,
    worker_lost,
)
from contracts.errors import ErrorCode
from tests.make import NOW

TERMS = LeaseTerms(ttl_s=15, max_deliveries=3)


def make_lease(**fields: Any) -> LeaseDocument:
    return LeaseDocument(**{"worker": "gpu-1", "token": "a", "deliveries": 1, "ttl_s": 15, "taken_at": NOW, **fields})


def judge(age_s: float, **fields: Any) -> Held | Available:
    return judge_lease(make_lease(**fields).model_dump_json().encode(), age_s, TERMS)


@pytest.mark.parametrize(
    ("age_s", "wait_s"),
    [(-100, 5), (0, 5), (10, 5), (13, 3), (15, 1), (15.99, 0.1)],
)
def test_a_lease_is_anothers_until_its_time_has_passed_for_certain(age_s: float, wait_s: float) -> None:
    held = judge(age_s)
    assert isinstance(held, Held)
    assert (held.worker, round(held.wait_s, 9)) == ("gpu-1", wait_s)


def test_a_lapsed_lease_leaves_its_deliveries_and_who_was_lost() -> None:
    assert judge(16, deliveries=2, lost_workers=("gpu-0",)) == Available(Deliveries(2, ("gpu-0", "gpu-1")))


def test_a_released_lease_is_free_at_once_with_what_it_leaves() -> None:
    released = LeaseState.RELEASED
    assert judge(0, state=released, deliveries=0) == Available(Deliveries())
    assert judge(0, state=released, deliveries=1, lost_workers=("gpu-0",)) == Available(Deliveries(1, ("gpu-0",)))


def test_a_lease_lasts_as_long_as_its_writer_says() -> None:
    assert isinstance(judge(20, ttl_s=60), Held)
    assert isinstance(judge(7, ttl_s=5), Available)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", make_lease().model_dump_json().replace("1", "2", 1).encode()])
def test_an_illegible_lease_is_taken_over_once_it_is_old_and_counts_for_nothing(body: bytes) -> None:
    assert read_lease(body) is None
    assert judge_lease(body, 3, TERMS) == Held(None, 5)
    assert judge_lease(body, 16, TERMS) == Available(Deliveries())


def test_a_job_that_took_too_many_workers_with_it_is_lost_and_says_how_often_and_whom() -> None:
    assert worker_lost(make_lease(deliveries=3), TERMS) is None

    error = worker_lost(make_lease(deliveries=4, lost_workers=("gpu-0", "gpu-1", "gpu-2")), TERMS)

    assert error is not None
    assert error.code is ErrorCode.WORKER_LOST
    assert "3 workers" in error.message
    assert "gpu-0, gpu-1, gpu-2" in error.message


def test_workers_that_die_while_a_lost_job_is_set_aside_are_counted_no_further() -> None:
    found = judge(16, deliveries=4, lost_workers=("b", "c", "d"))
    assert found == Available(Deliveries(3, ("c", "d", "gpu-1")))


def test_who_only_looks_on_sees_a_lease_live_until_it_has_lapsed() -> None:
    assert is_live(make_lease(), 15)
    assert not is_live(make_lease(), 16)
    assert not is_live(make_lease(state=LeaseState.RELEASED), 0)
