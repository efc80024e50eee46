"""Which dead letters are meant, and which offsets have to be read for them."""

from __future__ import annotations

import pytest

from consumer.core.desk.letters import DeadLetter, read_letter
from consumer.core.desk.places import Place, read_place, read_range
from consumer.core.desk.selection import Selection
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import OutboundRecord
from tests.dead_letters import DLT, make_value, ours, springs_recoverers, standing_at
from tests.make import make_record

AT_MS = 1_700_000_000_123
OURS = read_letter(standing_at(ours(make_record(make_value(tenant="acme")))), IntakeRules())
SPRINGS = read_letter(standing_at(springs_recoverers(make_record(make_value("b"))), 9, partition=0), IntakeRules())
BARE = read_letter(standing_at(OutboundRecord(DLT, None, b"?")), IntakeRules())


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(), [OURS, SPRINGS, BARE]),
        (Selection(codes=frozenset(["MEDIA_CORRUPT", "BadMediaException"])), [OURS, SPRINGS]),
        (Selection(codes=frozenset(["com.acme.BadMediaException"])), [SPRINGS]),
        (Selection(codes=frozenset(["-"])), [BARE]),
        (Selection(tenants=frozenset(["acme"])), [OURS]),
        (Selection(tenants=frozenset(["-"])), [SPRINGS, BARE]),
        (Selection(jobs=frozenset(["b", "-"])), [SPRINGS, BARE]),
        (Selection(partitions=frozenset([0])), [SPRINGS]),
        (Selection(offsets=(range(8, 100),)), [SPRINGS]),
        (Selection(since_ms=AT_MS), [OURS, SPRINGS, BARE]),
        (Selection(since_ms=AT_MS + 1), []),
        (Selection(until_ms=AT_MS), []),
        (Selection(until_ms=AT_MS + 1), [OURS, SPRINGS, BARE]),
        (Selection(codes=frozenset(["MEDIA_CORRUPT"]), tenants=frozenset(["-"])), []),
    ],
)
def test_every_condition_has_to_hold(selection: Selection, meant: list[DeadLetter]) -> None:
    assert [letter for letter in (OURS, SPRINGS, BARE) if selection.wants(letter)] == meant


@pytest.mark.parametrize(
    ("offsets", "spans"),
    [
        ((), [range(10, 90)]),
        ((range(20, 30),), [range(20, 30)]),
        ((range(50, 60), range(20), range(15, 25)), [range(10, 25), range(50, 60)]),
        ((range(80, 10**6),), [range(80, 90)]),
        ((range(95, 99),), []),
    ],
)
def test_only_these_offsets_are_read_and_each_once(offsets: tuple[range, ...], spans: list[range]) -> None:
    assert list(Selection(offsets=offsets).spans(range(10, 90))) == spans


def test_a_partition_without_records_is_not_read() -> None:
    assert list(Selection().spans(range(5, 5))) == []


@pytest.mark.parametrize(
    ("text", "first", "last"), [("7", 7, 7), ("7-12", 7, 12), ("-12", 0, 12), ("7-", 7, 2**63), ("0-0", 0, 0)]
)
def test_ranges_have_both_ends(text: str, first: int, last: int) -> None:
    assert read_range(text) == range(first, last + 1)


@pytest.mark.parametrize("text", ["", "-", "a", "7-6", "1--2", "1,2", " 7", "+7", "٣"])
def test_what_is_no_range_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="offsets"):
        read_range(text)


def test_a_place_may_leave_its_topic_out() -> None:
    assert read_place("2/7", "a") == Place("a", 2, 7)
    assert read_place("b.c/2/7", "a") == Place("b.c", 2, 7)
    assert str(Place("a", 2, 7)) == "a/2/7"


@pytest.mark.parametrize("text", ["", "7", "a/b", "a/1/b", "a/b/1/2", "/1/2", "1/-2", "1/2/"])
def test_what_is_no_place_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        read_place(text, "a")
    with pytest.raises(ValueError, match="no place"):
        read_place("1/2")
