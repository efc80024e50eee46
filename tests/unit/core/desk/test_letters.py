"""What a dead letter says, whoever wrote it; what is illegible is left open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.deadletters import DeadLetterOffice, dead_letter
from consumer.core.desk.letters import NO_CODE, DeadLetter, Origin, read_letter
from consumer.core.desk.places import Place
from consumer.core.failures import PermanentError
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import OutboundRecord
from contracts.errors import ErrorCode
from tests.dead_letters import DLT, make_value, ours, ours_cut, springs_recoverers, springs_retry_topics, standing_at
from tests.make import NOW, make_record

RULES = IntakeRules()
NAMES = (
    "kafka_dlt-original-topic", "kafka_dlt-original-partition", "kafka_dlt-original-offset", "kafka_original-topic",
    "kafka_original-partition", "kafka_original-offset", "kafka_dlt-exception-fqcn", "kafka_exception-cause-fqcn",
    "retry_topic-attempts", "kafka_deliveryAttempt", "x-steno-error-code", "x-steno-attempt", "x-steno-replay-count",
    "x-steno-truncated", "x-steno-truncated-at", "x-original-topic", "x-steno-first-failure-at", "anything",
)  # fmt: skip


def read(letter: OutboundRecord) -> DeadLetter:
    return read_letter(standing_at(letter), RULES)


def test_ours_says_everything() -> None:
    record = make_record(make_value(tenant="acme"), key=b"some-key")
    letter = read(ours(record, ErrorCode.INPUT_NOT_FOUND, "no such object", attempt=4))
    assert letter.place == Place(DLT, 2, 7)
    assert (letter.code, letter.message, letter.attempts) == ("INPUT_NOT_FOUND", "no such object", 4)
    assert (letter.subject.job_id, letter.subject.tenant) == ("call-4711", "acme")
    assert letter.origin == Origin("requests", 3, 42)
    assert (letter.worker, letter.group, letter.replays) == ("gpu-3", "workers", 0)
    assert letter.first_failure_at == NOW.isoformat(timespec="milliseconds")
    assert letter.set_aside_at == datetime.fromtimestamp(1_700_000_000.123, UTC)
    assert letter.cut is None


@pytest.mark.parametrize("write", [springs_recoverers, springs_retry_topics])
def test_both_of_springs_dialects_are_read(write: object) -> None:
    assert callable(write)
    letter = read(write(make_record(make_value("a"))))
    assert (letter.code, letter.exception) == ("BadMediaException", "com.acme.BadMediaException")
    assert letter.message == "Listener failed; bad media"
    assert letter.origin == Origin("requests", 3, 42)
    assert (letter.group, letter.subject.job_id) == ("acme", "a")


def test_springs_retry_topics_count_the_attempt_to_come() -> None:
    assert read(springs_retry_topics(make_record(), attempts=300)).attempts == 299
    assert read(OutboundRecord(DLT, b"", b"", (("retry_topic-attempts", b"\x04"),))).attempts == 3
    assert read(OutboundRecord(DLT, b"", b"", (("retry_topic-attempts", b"\xc9"),))).attempts == 200


def test_a_recoverer_on_a_retry_topic_leaves_the_count_of_the_hop() -> None:
    hop = springs_retry_topics(make_record(), attempts=3, topic="requests-retry-0")
    letter = springs_recoverers(replace(make_record(headers=hop.headers), topic="requests-retry-0", offset=1))
    assert read(letter).attempts == 3


def test_attempts_of_other_listeners_are_read() -> None:
    assert read(OutboundRecord(DLT, b"", b"", (("kafka_deliveryAttempt", b"\0\0\0\x03"),))).attempts == 3
    assert read(OutboundRecord(DLT, b"", b"", (("retry_topic-attempts", b"four"),))).attempts is not None
    assert read(OutboundRecord(DLT, b"", b"", (("retry_topic-attempts", b"lots of"),))).attempts is None


def test_the_first_origin_counts_where_spring_appended_another() -> None:
    first = springs_recoverers(make_record())
    again = springs_recoverers(replace(make_record(headers=first.headers), topic="requests-retry-0", offset=1))
    assert read(again).origin == Origin("requests", 3, 42)


def test_the_origin_that_retry_topics_keep_is_before_that_of_the_last_hop() -> None:
    hop = springs_retry_topics(make_record(), topic="requests-retry-0")
    letter = springs_recoverers(replace(make_record(headers=hop.headers), topic="requests-retry-0", offset=1))
    assert read(letter).origin == Origin("requests", 3, 42)


def test_a_record_that_says_nothing_is_a_dead_letter_too() -> None:
    letter = read(OutboundRecord(DLT, b"\xff", b"\xfe not json"))
    assert (letter.code, letter.message, letter.origin, letter.attempts) == (NO_CODE, "", None, None)
    assert (letter.subject.job_id, letter.size_bytes) == (None, 10)


def test_a_topic_alone_is_an_origin() -> None:
    said = (("kafka_dlt-original-topic", b"requests"), ("kafka_dlt-original-partition", b"three"))
    assert read(OutboundRecord(DLT, b"a", None, said)).origin == Origin("requests", None, None)


def test_a_cut_record_says_where_the_whole_one_stands() -> None:
    letter = read(ours_cut(make_record(b"x" * 5000)))
    assert letter.cut is not None
    assert (letter.cut.size_bytes, letter.cut.place) == (5000, Place("requests", 3, 42))
    assert (letter.size_bytes, letter.subject.job_id) == (None, "call-4711")


def test_an_illegible_place_of_the_whole_record_is_none() -> None:
    said = (("x-steno-truncated", b"many"), ("x-steno-truncated-at", b"somewhere"))
    letter = read(OutboundRecord(DLT, b"a", None, said))
    assert letter.cut is not None
    assert (letter.cut.size_bytes, letter.cut.place) == (None, None)


def test_a_code_that_is_none_gives_way_to_the_exception() -> None:
    said = (("x-steno-error-code", b"\x1b[2J"), ("kafka_dlt-exception-fqcn", b"com.acme.Outer$Inner"))
    assert read(OutboundRecord(DLT, b"a", None, said)).code == "Inner"


def test_replays_are_counted_through_another_failure() -> None:
    record = make_record(headers=(("x-steno-replay-count", b"2"),))
    office = DeadLetterOffice(DLT, "g", "w")
    letter = dead_letter(office, record, PermanentError(ErrorCode.MEDIA_CORRUPT, ""), attempt=1, now=NOW)
    assert read(letter).replays == 2


@given(
    key=st.none() | st.binary(max_size=20), value=st.none() | st.binary(max_size=60),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.binary(max_size=12))),
    timestamp_ms=st.integers(-1, 2**63 - 1),
)  # fmt: skip
def test_nothing_on_the_topic_breaks_the_reading(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], timestamp_ms: int
) -> None:
    record = replace(standing_at(OutboundRecord(DLT, key, value, tuple(headers))), timestamp_ms=timestamp_ms)
    letter = read_letter(record, RULES)
    assert letter.code
    assert letter.set_aside_at.tzinfo is UTC
