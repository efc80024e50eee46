"""Hops and dead letters as Spring Kafka wrote them, in our hands."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from consumer.core.deadletters import DeadLetterOffice, dead_letter
from consumer.core.desk.copies import replayed
from consumer.core.desk.letters import DeadLetter, read_letter
from consumer.core.failures import TransientError
from consumer.core.hops import Hop, attempt_of, hop_record, not_before_ms
from consumer.core.intake.readings import IntakeRules
from consumer.core.origins import Origin, origin_of
from consumer.core.records import Header
from contracts.errors import ErrorCode
from tests.make import NOW
from tests.spring_letters import GROUP, NAMES, load

SENT: Final = load("recoverer").sent.headers
ERROR: Final = TransientError(ErrorCode.ENGINE_CRASHED, "the engine ended")
OFFICE: Final = DeadLetterOffice("requests-dlt", "ours", "gpu-3")


def first(name: str) -> Origin:
    """Where the record stood before anything failed."""
    sent = load("recoverer" if name == "recoverer-again" else name).sent
    return Origin(sent.topic, sent.partition, sent.offset, sent.timestamp_ms, "CreateTime", GROUP)


def letter(name: str) -> DeadLetter:
    return read_letter(load(name).written, IntakeRules())


@pytest.mark.parametrize("name", NAMES)
def test_the_first_place_of_a_record_is_found(name: str) -> None:
    assert origin_of(load(name).written, "ours") == first(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_desk_finds_the_first_place_too(name: str) -> None:
    origin, found = first(name), letter(name)
    assert found.origin is not None
    assert str(found.origin) == f"{origin.topic}/{origin.partition}/{origin.offset}"
    assert found.group == GROUP


@pytest.mark.parametrize("name", NAMES)
def test_a_replay_has_the_headers_that_were_sent_and_no_other(name: str) -> None:
    record = load(name).written
    copy = replayed(record, "calls", replays=1)
    assert (copy.key, copy.value) == (record.key, record.value)
    assert copy.headers == (*SENT, ("x-steno-replay-count", b"1"))


def test_springs_hop_is_the_second_attempt_and_due_when_spring_says() -> None:
    found = load("retry-hop")
    assert attempt_of(found.written) == 2
    assert 100 <= (not_before_ms(found.written) or 0) - found.sent.timestamp_ms < 60_000


@pytest.mark.parametrize("name", NAMES)
def test_what_we_send_on_says_each_thing_once(name: str) -> None:
    record = load(name).written
    hop = hop_record(OFFICE.sender, record, ERROR, Hop("requests-retry-1", 3, NOW + timedelta(seconds=1)), now=NOW)
    for sent in (hop, dead_letter(OFFICE, record, ERROR, attempt=3, now=NOW)):
        assert sent.headers[: len(SENT)] == SENT
        assert len(names(sent.headers)) == len(set(names(sent.headers)))


def names(headers: tuple[Header, ...]) -> list[str]:
    """Of all that was not sent by the producer."""
    return [name for name, _ in headers[len(SENT) :]]


def test_ours_have_every_header_that_springs_always_have() -> None:
    record = load("recoverer").sent
    hop = hop_record(OFFICE.sender, record, ERROR, Hop("requests-retry-1", 2, NOW), now=NOW)
    assert set(names(load("retry-hop").written.headers)) - set(names(hop.headers)) == set()
    letter = dead_letter(OFFICE, record, ERROR, attempt=1, now=NOW)
    assert set(names(load("recoverer").written.headers)) - set(names(letter.headers)) == set()


@pytest.mark.parametrize(
    ("name", "attempts", "code", "message"),
    [
        ("recoverer", None, "IllegalStateException", "threw exception; cannot be read"),
        ("recoverer-key", None, "DeserializationException", "failed to deserialize"),
        ("retry-dlt", 3, "IllegalStateException", "Listener failed; cannot be read"),
    ],
)
def test_the_desk_finds_attempts_and_reason(name: str, attempts: int | None, code: str, message: str) -> None:
    found = letter(name)
    assert (found.attempts, found.code) == (attempts, code)
    assert found.message.endswith(message)
