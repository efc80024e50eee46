"""Dead letters carry the original whole, and why."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from consumer.core.deadletters import DeadLetterOffice, dead_letter, replay_count, truncated_dead_letter
from consumer.core.failures import PermanentError, TransientError
from consumer.core.hops import Hop, hop_record
from contracts.errors import ErrorCode
from tests.make import NOW, make_record

OFFICE = DeadLetterOffice(topic="requests-dlt", group_id="workers", worker="gpu-3")
ERROR = PermanentError(ErrorCode.MEDIA_CORRUPT, "the file is broken: größer")


def test_the_original_is_kept_whole_with_its_headers_in_order() -> None:
    headers = (("a", b"1"), ("a", b"2"), ("b", None))
    letter = dead_letter(OFFICE, make_record(b"\xff\x00", headers=headers), ERROR, attempt=1, now=NOW)

    assert (letter.topic, letter.key, letter.value) == ("requests-dlt", b"call-4711", b"\xff\x00")
    assert letter.headers[:3] == headers


def test_spring_finds_origin_and_exception_under_its_own_names() -> None:
    headers = dict(dead_letter(OFFICE, make_record(), ERROR, attempt=1, now=NOW).headers)

    assert headers["kafka_dlt-original-topic"] == b"requests"
    assert struct.unpack("!i", headers["kafka_dlt-original-partition"] or b"") == (3,)
    assert struct.unpack("!q", headers["kafka_dlt-original-offset"] or b"") == (42,)
    assert struct.unpack("!q", headers["kafka_dlt-original-timestamp"] or b"") == (1_700_000_000_123,)
    assert headers["kafka_dlt-original-timestamp-type"] == b"CreateTime"
    assert headers["kafka_dlt-original-consumer-group"] == b"workers"
    assert headers["kafka_dlt-exception-fqcn"] == b"consumer.core.failures.PermanentError"
    assert headers["kafka_dlt-exception-cause-fqcn"] == b"consumer.core.failures.PermanentError"
    assert (
        headers["kafka_dlt-exception-stacktrace"] == b"consumer.core.failures.PermanentError: " + ERROR.message.encode()
    )
    assert headers["kafka_dlt-exception-message"] == ERROR.message.encode()


def test_a_readable_mirror_stands_beside() -> None:
    headers = dict(dead_letter(OFFICE, make_record(), ERROR, attempt=2, now=NOW).headers)

    assert headers["x-original-topic"] == b"requests"
    assert headers["x-steno-attempt"] == b"2"
    assert headers["x-steno-error-code"] == b"MEDIA_CORRUPT"
    assert headers["x-steno-error-message"] == ERROR.message.encode()
    assert headers["x-steno-first-failure-at"] == b"2026-01-02T03:04:05.678+00:00"
    assert headers["x-steno-replay-count"] == b"0"
    assert headers["x-steno-worker"] == b"gpu-3"


def test_an_earlier_stay_leaves_its_first_failure_and_replay_count_and_no_reason() -> None:
    earlier = (
        ("kafka_dlt-exception-message", b"old"),
        ("x-steno-first-failure-at", b"2025-01-01T00:00:00.000+00:00"),
        ("x-steno-replay-count", b"3"),
        ("x-original-topic", b"old"),
        ("own", b"1"),
    )
    headers = dead_letter(OFFICE, make_record(headers=earlier), ERROR, attempt=1, now=NOW).headers
    names = [name for name, _ in headers]

    assert len(names) == len(set(names))
    assert dict(headers)["kafka_dlt-exception-message"] == ERROR.message.encode()
    assert dict(headers)["x-steno-first-failure-at"] == b"2025-01-01T00:00:00.000+00:00"
    assert dict(headers)["x-steno-replay-count"] == b"3"
    assert dict(headers)["own"] == b"1"


ORIGIN = (
    ("kafka_dlt-original-topic", b"calls"),
    ("kafka_dlt-original-partition", struct.pack("!i", 7)),
    ("kafka_dlt-original-offset", struct.pack("!q", 1)),
    ("kafka_dlt-original-timestamp", struct.pack("!q", 1_600_000_000_000)),
    ("kafka_dlt-original-consumer-group", b"first"),
)


def test_where_a_record_first_stood_is_kept_through_every_stay() -> None:
    first = dead_letter(OFFICE, make_record(headers=(("own", b"1"), *ORIGIN)), ERROR, attempt=1, now=NOW)
    again = dead_letter(OFFICE, make_record(headers=first.headers, offset=43), ERROR, attempt=1, now=NOW)

    for letter in (first, again):
        headers = dict(letter.headers)
        assert tuple((name, headers[name]) for name, _ in ORIGIN) == ORIGIN
        assert headers["x-original-topic"] == b"calls"
        assert len(letter.headers) == len(headers)


@pytest.mark.parametrize("name", [name for name, _ in ORIGIN[:-1]])
@pytest.mark.parametrize("raw", [None, b"", b"\xff" * 300])
def test_half_of_an_earlier_place_is_none(name: str, raw: bytes | None) -> None:
    damaged = tuple({**dict(ORIGIN), name: raw}.items())
    headers = dict(dead_letter(OFFICE, make_record(headers=damaged), ERROR, attempt=1, now=NOW).headers)
    whole = dict(dead_letter(OFFICE, make_record(headers=ORIGIN[-1:]), ERROR, attempt=1, now=NOW).headers)

    assert headers == whole


@pytest.mark.parametrize("raw", [None, b"", b"\xff", b"x" * 300])
def test_a_place_without_a_legible_group_is_a_place_and_the_group_is_ours(raw: bytes | None) -> None:
    damaged = tuple({**dict(ORIGIN), ORIGIN[-1][0]: raw}.items())
    headers = dict(dead_letter(OFFICE, make_record(headers=damaged), ERROR, attempt=1, now=NOW).headers)

    assert headers["kafka_dlt-original-topic"] == b"calls"
    assert headers["kafka_dlt-original-consumer-group"] == b"workers"


def test_of_several_places_the_first_one_is_where_the_record_first_stood() -> None:
    later = tuple((name, b"elsewhere" if name == "kafka_dlt-original-topic" else raw) for name, raw in ORIGIN)
    headers = dict(dead_letter(OFFICE, make_record(headers=(*ORIGIN, *later)), ERROR, attempt=1, now=NOW).headers)

    assert headers["kafka_dlt-original-topic"] == b"calls"


def test_a_dead_letter_after_retries_says_where_the_request_stood() -> None:
    hop = Hop("requests-retry-30000", 2, NOW)
    transient = TransientError(ErrorCode.INPUT_NOT_FOUND, "gone")
    again = hop_record(OFFICE.sender, make_record(headers=(("own", b"1"),)), transient, hop, now=NOW)
    retried = replace(make_record(headers=again.headers, offset=7), topic=hop.topic, partition=0)
    letter = dead_letter(OFFICE, retried, ERROR, attempt=2, now=NOW)
    headers = dict(letter.headers)

    assert len(letter.headers) == len(headers)
    assert (headers["own"], headers["kafka_dlt-original-topic"]) == (b"1", b"requests")
    assert struct.unpack(
        "!iq", (headers["kafka_dlt-original-partition"] or b"") + (headers["kafka_dlt-original-offset"] or b"")
    ) == (3, 42)
    assert struct.unpack("!i", headers["retry_topic-attempts"] or b"") == (3,)
    assert headers["x-steno-attempt"] == b"2"
    assert [name for name in headers if name.startswith(("kafka_original-", "kafka_exception-"))] == []
    assert "x-steno-not-before" not in headers


def test_a_letter_without_its_value_says_where_that_stands_now_beside_where_it_first_stood() -> None:
    record = make_record(b"v" * 1000, headers=ORIGIN)
    headers = dict(truncated_dead_letter(dead_letter(OFFICE, record, ERROR, attempt=1, now=NOW), record).headers)

    assert headers["kafka_dlt-original-topic"] == b"calls"
    assert headers["x-steno-truncated-at"] == b"requests/3/42"


@pytest.mark.parametrize(
    ("key", "value", "kept"), [(None, None, b""), (None, b"v", None), (b"k", None, b"k"), (b"", None, b"")]
)
def test_a_record_with_neither_key_nor_value_gets_an_empty_key(
    key: bytes | None, value: bytes | None, kept: bytes | None
) -> None:
    letter = dead_letter(OFFICE, make_record(value, key=key), ERROR, attempt=1, now=NOW)

    assert (letter.key, letter.value) == (kept, value)


def test_a_letter_that_is_too_large_says_what_is_missing_and_where_it_stands() -> None:
    record = make_record(b"v" * 1000, key=b"k" * 1000, headers=(("large", b"h" * 1000),))
    letter = truncated_dead_letter(dead_letter(OFFICE, record, ERROR, attempt=1, now=NOW), record)
    headers = dict(letter.headers)

    assert letter.value is None
    assert letter.key == b"k" * 256
    assert "large" not in headers
    assert headers["x-steno-truncated"] == b"1000"
    assert headers["kafka_dlt-original-topic"] == b"requests"


def test_a_large_tombstone_can_be_cut_too() -> None:
    record = make_record(None, key=None)
    letter = truncated_dead_letter(dead_letter(OFFICE, record, ERROR, attempt=1, now=NOW), record)

    assert (letter.key, dict(letter.headers)["x-steno-truncated"]) == (b"", b"0")


@pytest.mark.parametrize(
    ("raw", "count"), [(None, 0), (b"", 0), (b"7", 7), (b"-1", 0), (b"seven", 0), (b"9" * 30, 0), (b"\xff", 0)]
)
def test_a_replay_count_that_is_illegible_counts_as_none(raw: bytes | None, count: int) -> None:
    assert replay_count(make_record(headers=(("x-steno-replay-count", raw),))) == count
    assert replay_count(make_record()) == 0
