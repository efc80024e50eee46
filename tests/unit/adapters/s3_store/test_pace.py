"""What a fetch has to bring, and what it is granted for it."""

from __future__ import annotations

import pytest

from consumer.adapters.s3_store.client import Limits
from consumer.adapters.s3_store.pace import Pace

LIMITS = Limits(call_s=10, slowest_bytes_per_s=100, resumes=2)


@pytest.mark.parametrize(
    ("pieces", "times"),
    [([999], 0), ([999, 1], 1), ([999, 1, 999], 1), ([1_000_000], 1), ([1_000_000, 999], 1), ([1000, 1000], 2)],
)
def test_each_stretch_puts_the_deadline_off_once_and_is_no_credit(pieces: list[int], times: int) -> None:
    put_off: list[None] = []
    pace = Pace(LIMITS, lambda: put_off.append(None))
    for piece in pieces:
        pace.advance(piece)
    assert len(put_off) == times


def test_cuts_are_granted_anew_with_each_stretch() -> None:
    pace = Pace(LIMITS, lambda: None)
    assert [pace.may_resume() for _ in range(3)] == [True, True, False]
    pace.advance(999)
    assert not pace.may_resume()
    pace.advance(1)
    assert pace.may_resume()
