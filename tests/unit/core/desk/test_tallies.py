"""Dead letters counted, and what an order comes to in figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from consumer.core.desk.entries import Deed, Standing
from consumer.core.desk.letters import DeadLetter, read_letter
from consumer.core.desk.orders import Move, Obstacle
from consumer.core.desk.reports import Report
from consumer.core.desk.tallies import Tally
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import OutboundRecord
from contracts.errors import ErrorCode
from tests.dead_letters import make_value, ours, standing_at
from tests.make import NOW, make_record


def make_letter(age: timedelta, code: ErrorCode = ErrorCode.MEDIA_CORRUPT, **fields: Any) -> DeadLetter:
    record = standing_at(ours(make_record(make_value(**fields)), code))
    return read_letter(replace(record, timestamp_ms=_ms(NOW - age)), IntakeRules())


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_letters_are_counted_by_code_tenant_age_and_what_was_done() -> None:
    tally = Tally(NOW)
    tally.add(make_letter(timedelta(minutes=5)), Standing.OPEN, None)
    tally.add(make_letter(timedelta(hours=5), tenant="acme"), Standing.HANDLED, Deed.REPLAYED)
    tally.add(make_letter(timedelta(days=5), ErrorCode.INTERNAL), Standing.BUSY, Deed.DROPPED)
    tally.add(make_letter(timedelta(days=5000)), Standing.DOUBTFUL, Deed.REPLAYED)
    found = tally.document
    assert found["codes"] == {"MEDIA_CORRUPT": 3, "INTERNAL": 1}
    assert found["tenants"] == {"-": 3, "acme": 1}
    assert found["ages"] == {"under 1 hour": 1, "under 1 day": 1, "under 7 days": 1, "30 days and more": 1}
    assert found["standings"] == {"open": 1, "replayed": 1, "busy": 1, "doubtful": 1}
    assert (found["total"], found["handled"], found["unhandled"]) == (4, 1, 3)
    assert found["newest"] == (NOW - timedelta(minutes=5)).isoformat(timespec="milliseconds")


def test_nothing_is_counted_too() -> None:
    found = Tally(NOW).document
    assert (found["total"], found["oldest"], found["codes"]) == (0, None, {})


def test_a_clock_that_is_ahead_makes_young_letters() -> None:
    tally = Tally(NOW)
    tally.add(make_letter(timedelta(days=-5000)), Standing.OPEN, None)
    assert tally.document["ages"] == {"under 1 hour": 1}


def test_what_is_left_undone_is_told_with_a_place() -> None:
    report = Report()
    letter = make_letter(timedelta(0))
    for standing in (Standing.OPEN, Standing.DOUBTFUL, Standing.OPEN, Standing.BUSY):
        report.meet(standing)
    report.do(letter, Move(Deed.REPLAYED, OutboundRecord("requests", None, b""), 1, is_late=True))
    report.do(letter, Move(Deed.DROPPED, None, 0))
    report.leave(letter, Obstacle.CUT)
    report.busy += 1
    assert report.done == 2
    assert [complaint.split()[0] for complaint in report.complaints] == ["1", "1", "1", "1"]
    assert "requests-dlt/2/7" in report.complaints[0]
    found = report.document
    assert (found["selected"], found["replayed"], found["dropped"], found["to"]) == (4, 1, 1, {"requests": 1})
    assert (found["undone"], found["busy"], found["doubtful"], found["deadline_passed"]) == ({"cut": 1}, 1, 1, 1)
