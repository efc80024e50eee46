"""What an order comes to for one dead letter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consumer.core.desk.entries import Deed, Entry
from consumer.core.desk.letters import read_letter
from consumer.core.desk.orders import Move, Obstacle, Order, Verb, advice_on, replays_before
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import OutboundRecord, Record
from tests.dead_letters import DLT, make_value, ours, standing_at
from tests.make import NOW, make_record

REPLAY = Order(Verb.REPLAY, parking="parking")
PARK = Order(Verb.PARK, parking="parking")
DROP = Order(Verb.DROP, parking="parking")
LETTER = standing_at(ours(make_record(make_value())))
BARE = standing_at(OutboundRecord(DLT, b"a", b"{}"))


def move(order: Order, record: Record = LETTER, *, replays: int = 0) -> Move | Obstacle:
    return order.move(read_letter(record, IntakeRules()), record, replays=replays, now=NOW)


@pytest.mark.parametrize(
    ("order", "record", "replays", "deed", "topic", "count"),
    [
        (REPLAY, LETTER, 0, Deed.REPLAYED, "requests", 1),
        (REPLAY, LETTER, 2, Deed.REPLAYED, "requests", 3),
        (REPLAY, LETTER, 3, Deed.PARKED, "parking", 3),
        (replace(REPLAY, max_replays=4), LETTER, 3, Deed.REPLAYED, "requests", 4),
        (replace(REPLAY, max_replays=0), LETTER, 0, Deed.PARKED, "parking", 0),
        (replace(REPLAY, to="elsewhere"), LETTER, 0, Deed.REPLAYED, "elsewhere", 1),
        (replace(REPLAY, to="elsewhere"), BARE, 0, Deed.REPLAYED, "elsewhere", 1),
        (PARK, BARE, 9, Deed.PARKED, "parking", 9),
        (DROP, BARE, 1, Deed.DROPPED, None, 1),
    ],
)  # fmt: skip
def test_what_is_done(order: Order, record: Record, replays: int, deed: Deed, topic: str | None, count: int) -> None:
    found = move(order, record, replays=replays)
    assert isinstance(found, Move)
    assert (found.deed, found.copy and found.copy.topic, found.replays) == (deed, topic, count)


@pytest.mark.parametrize(
    ("order", "record", "replays", "obstacle"),
    [
        (REPLAY, BARE, 0, Obstacle.NO_ORIGIN),
        (replace(REPLAY, to=DLT), LETTER, 0, Obstacle.CIRCLE),
        (replace(REPLAY, parking=DLT), LETTER, 3, Obstacle.CEILING),
        (replace(PARK, parking=DLT), LETTER, 0, Obstacle.CIRCLE),
    ],
)  # fmt: skip
def test_what_is_in_the_way(order: Order, record: Record, replays: int, obstacle: Obstacle) -> None:
    assert move(order, record, replays=replays) is obstacle


@pytest.mark.parametrize("obstacle", list(Obstacle))
def test_each_obstacle_has_its_advice(obstacle: Obstacle) -> None:
    assert ":" in advice_on(obstacle) or "no longer" in advice_on(obstacle)


def with_deadline(left: timedelta) -> Record:
    return standing_at(ours(make_record(make_value(deadline=(NOW + left).isoformat()))))


def test_a_deadline_that_has_passed_is_told() -> None:
    found = move(REPLAY, with_deadline(timedelta(hours=-1)))
    assert isinstance(found, Move)
    assert found.is_late
    assert found.copy is not None
    assert found.copy.value == with_deadline(timedelta(hours=-1)).value


def test_a_deadline_is_extended_where_it_ends_before() -> None:
    order = replace(REPLAY, deadline=NOW + timedelta(hours=2))
    late, soon, far = (move(order, with_deadline(timedelta(hours=left))) for left in (-1, 1, 3))
    deadlines = [json.loads(_value(found))["deadline"] for found in (late, soon, far)]
    assert deadlines == [(NOW + timedelta(hours=left)).isoformat() for left in (2, 2, 3)]
    assert not any(isinstance(found, Move) and found.is_late for found in (late, soon, far))


def _value(found: Move | Obstacle) -> bytes:
    assert isinstance(found, Move)
    assert found.copy is not None
    return found.copy.value or b""


def make_entry(**fields: Any) -> Entry:
    values = {"timestamp_ms": 1, "deed": Deed.REPLAYED, "at": NOW, "run": "a", **fields}
    return Entry.model_validate(values)


@pytest.mark.parametrize(
    ("entry", "replays"),
    [
        (None, 0),
        (make_entry(replays=1, is_done=True), 1),  # once more: another count, and so other ids
        (make_entry(replays=1), 0),  # in doubt: the same count as what may be there
        (make_entry(replays=3, deed=Deed.PARKED, is_done=True), 3),
        (make_entry(replays=0, deed=Deed.DROPPED, is_done=True), 0),
    ],
)
def test_how_often_it_was_replayed(entry: Entry | None, replays: int) -> None:
    assert replays_before(read_letter(LETTER, IntakeRules()), entry) == replays
