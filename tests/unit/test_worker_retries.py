"""Jobs that fail and are tried again, with every port a fake."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from consumer.core.failures import PermanentError, TransientError
from consumer.core.hops import attempt_of, first_place, not_before_ms
from consumer.core.ladder import Ladder
from contracts.errors import ErrorCode
from contracts.events import Event, Kind, OutcomeEvent, ProgressEvent, parse_event
from tests.make import NOW
from tests.waiting import until
from tests.worker_bench import AWAY, Bench, code_of

LADDER = Ladder("requests", (1, 2))
FIRST, SECOND = LADDER.topics
GONE = TransientError(ErrorCode.INPUT_NOT_FOUND, "gone")
CRASHED = TransientError(ErrorCode.ENGINE_CRASHED, "crashed")
BROKEN = PermanentError(ErrorCode.MEDIA_CORRUPT, "broken")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, ladder=LADDER)


async def ended(bench: Bench, count: int = 1) -> None:
    async with bench.running():
        await until(lambda: len(bench.outcomes) >= count, "the outcomes", every_s=0)


def outcome_of(event: Event) -> OutcomeEvent:
    assert isinstance(event.data, OutcomeEvent)
    return event.data


def scheduled(bench: Bench) -> list[ProgressEvent]:
    events = [parse_event(each.headers, each.value) for each in bench.broker.records("progress")]
    return [
        each.data for each in events if isinstance(each.data, ProgressEvent) and each.type == Kind.RETRY_SCHEDULED.type
    ]


async def test_a_job_that_failed_twice_completes_at_its_third_attempt(bench: Bench) -> None:
    bench.engine.errors = [GONE, CRASHED]
    bench.request("a")
    await ended(bench)

    (event,) = bench.outcomes
    assert (outcome_of(event).outcome, outcome_of(event).attempt) == (Kind.COMPLETED, 3)
    assert (event.id, event.cause) == ("-/a/completed/0", "requests/0/0")
    assert [len(bench.broker.records(topic)) for topic in (FIRST, SECOND, "dlt")] == [1, 1, 0]
    assert dict(bench.settlement.retries) == {ErrorCode.INPUT_NOT_FOUND: 1, ErrorCode.ENGINE_CRASHED: 1}


async def test_a_retry_is_the_request_as_it_came_and_tells_when_and_why(bench: Bench) -> None:
    bench.engine.errors = [GONE]
    bench.request("a")
    await ended(bench)

    (request,), (hop,) = bench.broker.records("requests"), bench.broker.records(FIRST)
    assert (hop.key, hop.value) == (request.key, request.value)
    assert (attempt_of(hop), first_place(hop)) == (2, "requests/0/0")
    assert not_before_ms(hop) == round((NOW + timedelta(milliseconds=1)).timestamp() * 1000)
    (event,) = scheduled(bench)
    assert (event.job_id, event.attempt, event.not_before) == ("a", 1, NOW + timedelta(milliseconds=1))
    assert event.error is not None
    assert (event.error.code, event.error.retryable) == (ErrorCode.INPUT_NOT_FOUND, True)


async def test_what_fails_behind_the_last_tier_is_set_aside_with_where_it_first_stood(bench: Bench) -> None:
    bench.engine.errors = [GONE, GONE, CRASHED]
    bench.request("a")
    await ended(bench)

    (letter,) = bench.broker.records("dlt")
    headers = dict(letter.headers)
    assert letter.value == bench.broker.records("requests")[0].value
    assert (headers["x-steno-attempt"], headers["x-steno-error-code"]) == (b"3", b"ENGINE_CRASHED")
    assert (headers["x-original-topic"], headers["kafka_dlt-original-offset"]) == (b"requests", bytes(8))
    (event,) = bench.outcomes
    assert (outcome_of(event).outcome, code_of(event), outcome_of(event).attempt) == (Kind.FAILED, "ENGINE_CRASHED", 3)
    assert event.cause == "requests/0/0"


async def test_what_cannot_succeed_is_set_aside_at_its_first_attempt(bench: Bench) -> None:
    bench.engine.errors = [BROKEN]
    bench.request("a")
    await ended(bench)

    assert len(bench.broker.records("dlt")) == 1
    assert bench.broker.records(FIRST) == []
    assert scheduled(bench) == []


async def test_a_job_whose_next_attempt_would_come_too_late_is_cancelled(bench: Bench) -> None:
    bench.engine.errors = [GONE]
    bench.request("a", deadline=NOW.isoformat())
    await ended(bench)

    (event,) = bench.outcomes
    assert (event.id, outcome_of(event).outcome, code_of(event)) == (
        "-/a/cancelled/0",
        Kind.CANCELLED,
        "DEADLINE_EXCEEDED",
    )
    assert outcome_of(event).error is not None
    assert [bench.broker.records(topic) for topic in (FIRST, SECOND, "dlt")] == [[], [], []]
    assert [end.outcome for end in bench.meter.ends] == [Kind.CANCELLED]


async def test_while_the_broker_is_away_a_retry_waits_and_the_delivery_stays_open(bench: Bench) -> None:
    bench.engine.errors = [GONE]
    bench.request("a")
    bench.sink.refuse_next("progress", 99)
    bench.sink.fail_next(AWAY, AWAY, AWAY, AWAY)
    async with bench.running():
        await until(lambda: bool(bench.pauses), "a pause", every_s=0)
        assert bench.committed == 0
        await until(lambda: bool(bench.outcomes), "the outcome", every_s=0)

    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.committed == 1


async def test_what_no_retry_topic_takes_is_set_aside(bench: Bench) -> None:
    bench.engine.errors = [GONE]
    bench.request("a")
    bench.sink.refuse_next(FIRST, 1)
    await ended(bench)

    (letter,) = bench.broker.records("dlt")
    assert dict(letter.headers)["x-steno-error-code"] == b"INPUT_NOT_FOUND"
    assert bench.ends == {"a": Kind.FAILED}
    assert scheduled(bench) == []


async def test_a_record_of_a_notification_is_tried_again_alone(bench: Bench) -> None:
    bench.engine.errors = [GONE]
    bench.store.put("s3://media/b.mp3", b"hello")
    entries = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "media"}, "object": {"key": key}}}
        for key in ("a.mp3", "b.mp3")
    ]
    bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    await ended(bench, 2)

    (hop,) = bench.broker.records(FIRST)
    assert b'"Records"' not in (hop.value or b"")
    assert sorted(outcome_of(event).attempt for event in bench.outcomes) == [1, 2]
    assert {event.cause for event in bench.outcomes} == {"requests/0/0"}
    assert set(bench.ends.values()) == {Kind.COMPLETED}
