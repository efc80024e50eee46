"""What comes after a failure, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from consumer.core.failures import JobError, OutageError, PermanentError, TransientError
from consumer.core.hops import Hop, Sender, hop_record
from consumer.core.ladder import Cancel, Ladder, SetAside, left_behind, wait_ms
from consumer.core.records import Record
from contracts.errors import ErrorCode
from tests.make import NOW, make_record

LADDER = Ladder("requests", (30_000, 300_000))
GONE = TransientError(ErrorCode.INPUT_NOT_FOUND, "gone")
BROKEN = PermanentError(ErrorCode.MEDIA_CORRUPT, "broken")
LOST = TransientError(ErrorCode.WORKER_LOST, "three workers died of it")
AWAY = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")


def after(error: JobError, attempt: int = 1, deadline: datetime | None = None) -> Hop | SetAside | Cancel:
    return LADDER.after(error, attempt=attempt, deadline=deadline, now=NOW)


def test_each_attempt_that_may_succeed_later_goes_one_tier_up_until_none_is_left() -> None:
    assert after(GONE, 1) == Hop("requests-retry-30000", 2, NOW + timedelta(seconds=30))
    assert after(GONE, 2) == Hop("requests-retry-300000", 3, NOW + timedelta(seconds=300))
    assert after(GONE, 3) == SetAside()
    assert after(GONE, 99) == SetAside()


@pytest.mark.parametrize("error", [BROKEN, LOST, AWAY], ids=lambda error: error.code)
def test_what_no_later_attempt_would_cure_is_set_aside_at_once(error: JobError) -> None:
    assert after(error) == SetAside()
    assert after(error, deadline=NOW - timedelta(days=1)) == SetAside()


def test_without_tiers_the_first_failure_is_the_last() -> None:
    assert Ladder("requests", ()).after(GONE, attempt=1, deadline=None, now=NOW) == SetAside()
    assert Ladder("requests", ()).topics == {}


@pytest.mark.parametrize("left_s", [-1, 0, 29.999, 30])
@pytest.mark.parametrize("attempt", [1, 2])
def test_nothing_is_tried_again_after_its_deadline(attempt: int, left_s: float) -> None:
    end = after(GONE, attempt, NOW + timedelta(seconds=left_s))

    assert isinstance(end, Cancel)
    assert end.code is ErrorCode.DEADLINE_EXCEEDED
    assert end.message.endswith("the last attempt ended with INPUT_NOT_FOUND: gone")


def test_a_deadline_behind_the_next_attempt_changes_nothing() -> None:
    assert after(GONE, 1, NOW + timedelta(seconds=30.001)) == after(GONE, 1)


def test_behind_the_last_tier_a_job_in_time_is_set_aside_and_a_late_one_cancelled() -> None:
    assert after(GONE, 3, NOW + timedelta(seconds=1)) == SetAside()
    assert isinstance(after(GONE, 3, NOW), Cancel)


def test_tiers_of_one_delay_share_a_topic() -> None:
    ladder = Ladder("requests", (500, 7000, 500))
    assert ladder.topics == {"requests-retry-500": 500, "requests-retry-7000": 7000}
    assert ladder.after(GONE, attempt=3, deadline=None, now=NOW) == Hop(
        "requests-retry-500", 4, NOW + timedelta(milliseconds=500)
    )


def test_retry_topics_of_earlier_delays_are_known_by_their_names() -> None:
    names = [
        "requests", "requests-dlt", "requests-retry-30000", "requests-retry-5", "requests-retry-0", "requests-retry-x",
        "requests-retry-\u0665", "requests-retry-86400001", "requests-retry-999999999999", "others-retry-5", "5",
        "requests-retry-", "requests-retry-5.requests",
    ]  # fmt: skip
    assert left_behind(names, "requests", LADDER.topics) == {"requests-retry-5": 5}


def test_due_times_are_whole_milliseconds_and_not_early() -> None:
    now = NOW + timedelta(microseconds=1)
    hop = LADDER.after(GONE, attempt=1, deadline=None, now=now)
    assert isinstance(hop, Hop)
    assert hop.not_before == NOW + timedelta(seconds=30, milliseconds=1)


def hopped(not_before: datetime) -> Record:
    hop = Hop("requests-retry-30000", 2, not_before)
    return make_record(headers=hop_record(Sender("workers", "w"), make_record(), GONE, hop, now=NOW).headers)


def left(record: Record, now: datetime, *, seen_for_s: float = 0.0) -> float:
    return wait_ms(record, 30_000, now_ms=now.timestamp() * 1000, seen_for_ms=seen_for_s * 1000) / 1000


def test_a_record_waits_until_it_is_due() -> None:
    record = hopped(NOW + timedelta(seconds=20))
    assert left(record, NOW) == pytest.approx(20)
    assert left(record, NOW + timedelta(seconds=19.5), seen_for_s=19.5) == pytest.approx(0.5)
    assert left(record, NOW + timedelta(seconds=20), seen_for_s=20) <= 0


def test_by_a_clock_that_is_behind_a_record_waits_no_longer_than_its_topics_delay() -> None:
    record = hopped(NOW + timedelta(seconds=30))
    assert left(record, NOW - timedelta(hours=1)) == 30
    assert left(record, NOW - timedelta(minutes=59, seconds=30), seen_for_s=30) <= 0


def test_a_record_that_says_nothing_waits_for_its_topics_delay_from_its_own_time_on() -> None:
    record = make_record()
    written = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    assert left(record, written + timedelta(seconds=12)) == pytest.approx(18)
    assert left(record, written + timedelta(seconds=30)) <= 0
