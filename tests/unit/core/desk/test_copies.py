"""What is sent in a dead letter's place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.desk.copies import parked, replayed, with_deadline
from consumer.core.origins import is_own
from consumer.core.records import OutboundRecord, Record
from tests.dead_letters import make_value, ours, springs_recoverers, springs_retry_topics, standing_at
from tests.make import make_record

SOON = datetime(2030, 1, 1, tzinfo=UTC)
KEYS = st.binary(max_size=40)
VALUES = st.none() | st.binary(max_size=200)
FOREIGN = st.tuples(st.text(max_size=20).filter(lambda name: not is_own(name)), st.none() | st.binary(max_size=40))
"""Names repeat and values may be missing, as Kafka has it."""
WRITERS: tuple[Callable[[Record], OutboundRecord], ...] = (ours, springs_recoverers, springs_retry_topics)


@given(key=KEYS, value=VALUES, foreign=st.lists(FOREIGN), writer=st.sampled_from(WRITERS))
def test_a_replay_gives_key_value_and_foreign_headers_back(
    key: bytes, value: bytes | None, foreign: list[tuple[str, bytes | None]], writer: Callable[[Record], OutboundRecord]
) -> None:
    sent = make_record(value, key=key, headers=tuple(foreign))
    again = replayed(standing_at(writer(sent)), sent.topic, replays=1)
    assert (again.topic, again.key, again.value) == (sent.topic, sent.key, sent.value)
    assert again.headers == (*sent.headers, ("x-steno-replay-count", b"1"))


@given(value=VALUES, foreign=st.lists(FOREIGN), turns=st.integers(1, 5))
def test_replayed_and_failed_again_it_is_still_the_same(
    value: bytes | None, foreign: list[tuple[str, bytes | None]], turns: int
) -> None:
    sent = make_record(value, headers=tuple(foreign))
    record = sent
    for turn in range(1, turns + 1):
        copy = replayed(standing_at(ours(record)), sent.topic, replays=turn)
        record = make_record(copy.value, key=copy.key or b"", headers=copy.headers)
    assert (record.key, record.value) == (sent.key, sent.value)
    assert record.headers == (*sent.headers, ("x-steno-replay-count", str(turns).encode()))


def test_trace_headers_travel_on() -> None:
    sent = make_record(headers=(("traceparent", b"00-a-b-01"), ("tracestate", b"x=1")))
    assert replayed(standing_at(ours(sent)), "requests", replays=1).headers[:2] == sent.headers


def test_a_parked_letter_keeps_its_reason_and_says_where_it_stood() -> None:
    letter = standing_at(ours(make_record()))
    copy = parked(letter, "parking")
    assert (copy.key, copy.value) == (letter.key, letter.value)
    assert copy.headers == (*letter.headers, ("x-steno-parked-from", b"requests-dlt/2/7"))


def test_parked_twice_it_names_its_last_place_once() -> None:
    first = parked(standing_at(ours(make_record())), "parking")
    again = parked(standing_at(first, offset=9), "parking-2")
    assert [raw for name, raw in again.headers if name == "x-steno-parked-from"] == [b"parking/2/9"]


@pytest.mark.parametrize("wrap", [lambda request: request, lambda request: {"specversion": "1.0", "data": request}])
def test_a_deadline_is_extended_and_nothing_else_changes(wrap: Callable[[object], object]) -> None:
    request = json.loads(make_value(deadline="2020-01-01T00:00:00Z", metadata={"name": "Zoë"}))
    found = json.loads(with_deadline(json.dumps(wrap(request)).encode(), SOON))
    assert found == wrap({**request, "deadline": "2030-01-01T00:00:00+00:00"})


@pytest.mark.parametrize("value", [b"", b"\xff", b"[]", b"null", b'"a"', make_value(), b'{"data": 7}'])
def test_what_has_no_deadline_stays_as_it_is(value: bytes) -> None:
    assert with_deadline(value, SOON) == value
