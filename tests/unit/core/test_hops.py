"""Retry hops, as Spring Kafka and people read them."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.failures import TransientError
from consumer.core.hops import Hop, Sender, attempt_of, first_place, hop_record, not_before_ms, replay_count
from consumer.core.records import Header, Record
from contracts.errors import ErrorCode
from tests.make import NOW, make_record

SENDER = Sender(group_id="workers", worker="gpu-3")
ERROR = TransientError(ErrorCode.INPUT_NOT_FOUND, "nothing there: größer")
DUE = NOW + timedelta(seconds=30)
DUE_MS = int(DUE.timestamp() * 1000)
HOP = Hop("requests-retry-30000", 2, DUE)


def hopped(record: Record, hop: Hop = HOP, error: TransientError = ERROR) -> Record:
    """The record as it is read again from the retry topic."""
    sent = hop_record(SENDER, record, error, hop, now=NOW)
    return replace(record, topic=sent.topic, partition=0, offset=7, timestamp_ms=1, headers=sent.headers)


def test_key_value_and_foreign_headers_travel_whole_and_in_order() -> None:
    foreign = (("a", b"1"), ("a", b"2"), ("b", None), ("kafka_correlationId", b"3"))
    sent = hop_record(SENDER, make_record(b"\xff\x00", headers=foreign), ERROR, HOP, now=NOW)

    assert (sent.topic, sent.key, sent.value) == ("requests-retry-30000", b"call-4711", b"\xff\x00")
    assert sent.headers[: len(foreign)] == foreign


def test_spring_finds_origin_attempt_and_due_time_under_its_own_names() -> None:
    headers = dict(hopped(make_record()).headers)

    assert headers["kafka_original-topic"] == b"requests"
    assert headers["kafka_original-partition"] == struct.pack("!i", 3)
    assert headers["kafka_original-offset"] == struct.pack("!q", 42)
    assert headers["kafka_original-timestamp"] == struct.pack("!q", 1_700_000_000_123)
    assert headers["kafka_original-timestamp-type"] == b"CreateTime"
    assert headers["kafka_dlt-original-consumer-group"] == b"workers"
    assert headers["kafka_exception-fqcn"] == b"consumer.core.failures.TransientError"
    assert headers["kafka_exception-message"] == ERROR.message.encode()
    assert headers["retry_topic-attempts"] == struct.pack("!i", 2)
    assert headers["retry_topic-original-timestamp"] == struct.pack("!q", 1_700_000_000_123)
    assert headers["retry_topic-backoff-timestamp"] == struct.pack("!q", DUE_MS)


def test_a_readable_mirror_stands_beside() -> None:
    headers = dict(hopped(make_record()).headers)

    assert headers["x-original-topic"] == b"requests"
    assert headers["x-steno-attempt"] == b"2"
    assert headers["x-steno-not-before"] == b"2026-01-02T03:04:35.678+00:00"
    assert headers["x-steno-error-code"] == b"INPUT_NOT_FOUND"
    assert headers["x-steno-error-message"] == ERROR.message.encode()
    assert headers["x-steno-first-failure-at"] == b"2026-01-02T03:04:05.678+00:00"
    assert headers["x-steno-replay-count"] == b"0"
    assert headers["x-steno-worker"] == b"gpu-3"


def test_a_second_hop_keeps_the_first_origin_and_failure_and_the_last_error() -> None:
    first = hopped(make_record(headers=(("own", b"1"), ("x-steno-replay-count", b"2"))))
    last = TransientError(ErrorCode.ENGINE_CRASHED, "crashed")
    sent = hop_record(SENDER, first, last, Hop("requests-retry-300000", 3, DUE), now=NOW + timedelta(hours=1))
    headers = dict(sent.headers)

    assert len(headers) == len(sent.headers)
    assert headers["own"] == b"1"
    for name in ("kafka_original-topic", "kafka_original-offset", "kafka_original-timestamp", "x-original-topic"):
        assert headers[name] == dict(first.headers)[name]
    assert headers["x-steno-first-failure-at"] == b"2026-01-02T03:04:05.678+00:00"
    assert headers["x-steno-error-code"] == b"ENGINE_CRASHED"
    assert (headers["x-steno-replay-count"], headers["x-steno-attempt"]) == (b"2", b"3")


def test_a_hop_of_a_replayed_dead_letter_of_spring_keeps_where_that_first_stood() -> None:
    spring = (
        ("kafka_dlt-original-topic", b"calls"),
        ("kafka_dlt-original-partition", struct.pack("!i", 7)),
        ("kafka_dlt-original-offset", struct.pack("!q", 1)),
        ("kafka_dlt-original-timestamp", struct.pack("!q", 5)),
        ("kafka_dlt-original-timestamp-type", b"LogAppendTime"),
        ("kafka_dlt-exception-message", b"old"),
    )
    headers = dict(hopped(make_record(headers=spring)).headers)

    assert headers["kafka_original-topic"] == b"calls"
    assert headers["kafka_original-timestamp-type"] == b"LogAppendTime"
    assert not headers.keys() & dict(spring).keys()


def test_attempt_and_due_time_are_read_back() -> None:
    record = hopped(make_record())
    assert (attempt_of(record), not_before_ms(record)) == (2, DUE_MS)
    assert first_place(record) == "requests/3/42"


def test_a_request_that_never_hopped_is_its_own_first_attempt() -> None:
    for record in (make_record(), make_record(headers=(("x-steno-attempt", b"4"), ("retry_topic-attempts", b"\x04")))):
        assert (attempt_of(record), not_before_ms(record), first_place(record)) == (1, None, "requests/3/42")


@pytest.mark.parametrize(
    ("attempts", "attempt"),
    [(b"\x03", 3), (struct.pack("!i", 3), 3), (struct.pack("!i", -3), 1), (b"\xff", 255), (b"", 1), (b"\x00\x03", 1)],
)
@pytest.mark.parametrize("size", [6, 8])
def test_springs_own_retries_are_read(attempts: bytes, attempt: int, size: int) -> None:
    due = DUE_MS.to_bytes(size, "big", signed=True)
    headers = (
        ("retry_topic-attempts", b"\x01"),
        ("retry_topic-backoff-timestamp", b"\x01"),
        ("retry_topic-attempts", attempts),
        ("retry_topic-backoff-timestamp", due),
    )
    record = make_record(headers=headers)
    assert (attempt_of(record), not_before_ms(record)) == (attempt, DUE_MS)


@pytest.mark.parametrize(
    ("raw", "attempt"), [(b"7", 7), (b"0", 1), (b"-4", 1), (b"four", 1), (b"9" * 30, 1), (None, 1)]
)
@pytest.mark.parametrize(
    "due", [b"2026-01-02T03:04:35.678+00:00", b"2026-01-02T03:04:35.678", b"2026-01-02T03:04:35.678Z"]
)
def test_the_mirror_is_read_where_it_stands_alone(raw: bytes | None, attempt: int, due: bytes) -> None:
    record = make_record(headers=(("x-steno-attempt", raw), ("x-steno-not-before", due)))
    assert (attempt_of(record), not_before_ms(record)) == (attempt, DUE_MS)


NAMES = [name for name, _ in hopped(make_record()).headers]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.none() | st.binary(max_size=12) | st.just(b"9999-12-31T23:59:59+00:00"))
    )
)
def test_headers_of_strangers_stop_nothing(headers: list[Header]) -> None:
    record = make_record(headers=tuple(headers))
    again = hopped(record)

    assert attempt_of(record) >= 1
    assert isinstance(not_before_ms(record), int | None)
    assert replay_count(record) >= 0
    assert (attempt_of(again), not_before_ms(again)) == (2, DUE_MS)
    assert len(again.headers) == len(dict(again.headers)) == len(NAMES)
    assert first_place(hopped(again)) == first_place(again)
