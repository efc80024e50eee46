"""Spring Kafka and we read each other's dead letters and retry hops."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.cli.ending import run
from consumer.core.deadletters import DeadLetterOffice, dead_letter
from consumer.core.failures import PermanentError, TransientError
from consumer.core.hops import Hop, hop_record
from consumer.core.origins import Origin, origin_of
from consumer.core.records import OutboundRecord, Record
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts.broker import BrokerSecurity
from contracts.errors import ErrorCode
from tests.spring_letters import load
from tests.stack.clients import make_topic
from tests.stack.spring import Spring, Verb
from tests.stack.spring.records import fetch, send

GROUP: Final = "transcription-workers"


@dataclass(frozen=True)
class Desk:
    """`steno dlq`, in a thread with a loop of its own, as in a process."""

    settings: Settings
    capsys: pytest.CaptureFixture[str]

    async def do(self, *arguments: str) -> list[dict[str, Any]]:
        """The documents that a command prints; it succeeds."""
        self.capsys.readouterr()
        code = await asyncio.to_thread(run, ["dlq", *arguments, "--json"], lambda: self.settings)
        printed = self.capsys.readouterr()
        assert code == 0, printed.err
        return [json.loads(line) for line in printed.out.splitlines()]


@pytest.fixture
def desk(kafka: str, topic: str, bucket: str, capsys: pytest.CaptureFixture[str]) -> Desk:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka),
        topics=TopicSettings(requests=topic),
        s3=S3Settings(results=f"s3://{bucket}/"),
    )
    return Desk(settings, capsys)


def shape(record: Record) -> list[tuple[str, int | None]]:
    """The headers' names in their order, with the size of what is no text."""
    texts = ("topic", "type", "group", "fqcn", "message", "stacktrace")
    return [(name, None if name.endswith(texts) or raw is None else len(raw)) for name, raw in record.headers]


async def publish(kafka: str, record: OutboundRecord) -> None:
    async with KafkaSink(SinkConfig(kafka, BrokerSecurity(), client_id="test")) as sink:
        await sink.publish(record)


@dataclass(frozen=True)
class Dialect:
    """One way of Spring to set records aside, and what our desk finds there."""

    verb: Verb
    golden: str
    code: str
    message: str
    attempts: int | None = None


DIALECTS: Final = (
    Dialect(Verb.RECOVER, "recoverer", "IllegalStateException", "threw exception; cannot be read"),
    Dialect(Verb.RECOVER_KEYS, "recoverer-key", "DeserializationException", "failed to deserialize"),
    Dialect(Verb.RETRY, "retry-dlt", "IllegalStateException", "Listener failed; cannot be read", attempts=3),
)


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.golden)
async def test_what_spring_set_aside_is_listed_shown_and_replayed(dialect: Dialect, desk: Desk, spring: Spring) -> None:
    kafka, topic = desk.settings.kafka.bootstrap_servers, desk.settings.topics.requests
    if dialect.verb is not Verb.RETRY:
        await make_topic(kafka, f"{topic}-dlt", partitions=2)
    sent = await send(kafka, topic)
    async with spring.running(dialect.verb, topic, GROUP):
        (letter,) = await fetch(kafka, f"{topic}-dlt", 1)
    assert shape(letter) == shape(load(dialect.golden).written)

    (listed,) = await desk.do("ls")
    expected = {
        "place": f"{topic}-dlt/1/0", "origin": f"{topic}/1/0", "group": GROUP, "code": dialect.code,
        "job_id": "call-4711", "attempts": dialect.attempts, "state": "open",
    }  # fmt: skip
    assert {name: listed[name] for name in expected} == expected
    assert listed["message"].endswith(dialect.message)
    (shown,) = await desk.do("show", "1/0")
    assert [header["name"] for header in shown["headers"]] == [name for name, _ in letter.headers]
    assert json.loads(shown["value"]) == json.loads(sent.value or b"")

    (report,) = await desk.do("replay", "--yes")
    assert (report["replayed"], report["to"]) == (1, {topic: 1})
    async with spring.running(Verb.TAKE, topic, GROUP):
        (taken,) = await spring.told(topic)
    assert (bytes.fromhex(taken["key"]), bytes.fromhex(taken["value"])) == (sent.key, sent.value)
    restored = [[name, None if raw is None else raw.hex()] for name, raw in sent.headers]
    assert taken["headers"] == [*restored, ["x-steno-replay-count", b"1".hex()]]
    assert await desk.do("ls") == []


async def test_spring_finds_origin_exception_and_attempts_in_our_dead_letters(
    spring: Spring, kafka: str, topic: str
) -> None:
    await make_topic(kafka, f"{topic}-dlt", partitions=1)
    sent = await send(kafka, topic)
    office = DeadLetterOffice(f"{topic}-dlt", GROUP, "gpu-3")
    error = PermanentError(ErrorCode.MEDIA_CORRUPT, "the Übertragung broke off")
    await publish(kafka, dead_letter(office, sent, error, attempt=3, now=datetime.now(UTC)))

    async with spring.running(Verb.READ, f"{topic}-dlt", "readers"):
        (found,) = await spring.told(f"{topic}-dlt")
    assert found["origin"] == expected_origin(sent)
    assert found["exception"] == told_of("consumer.core.failures.PermanentError", error.message)
    assert found["attempts"] == 3 + 1  # Spring's own dead letters count the delivery there, too
    assert found["firstTimestamp"] == sent.timestamp_ms
    assert (bytes.fromhex(found["key"]), bytes.fromhex(found["value"])) == (sent.key, sent.value)


async def test_our_retry_hop_goes_on_through_springs_retry_topics_when_it_is_due(
    spring: Spring, kafka: str, topic: str
) -> None:
    sent = await send(kafka, topic)
    hop = Hop(f"{topic}-retry-100", 2, datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3))
    sender = DeadLetterOffice(f"{topic}-dlt", GROUP, "gpu-3").sender
    error = TransientError(ErrorCode.ENGINE_CRASHED, "the engine ended")
    await make_topic(kafka, hop.topic, partitions=2)
    await publish(kafka, hop_record(sender, sent, error, hop, now=datetime.now(UTC)))

    async with (
        spring.running(Verb.READ_RETRIED, hop.topic, "readers"),
        spring.running(Verb.RETRY, topic, GROUP),
    ):
        (found,) = await spring.told(hop.topic)
        letters = await fetch(kafka, f"{topic}-dlt", 2)
    assert found["origin"] == expected_origin(sent)
    assert found["exception"] == told_of("consumer.core.failures.TransientError", error.message)
    assert (found["attempts"], found["firstTimestamp"]) == (2, sent.timestamp_ms)

    ours = next(letter for letter in letters if "x-steno-worker" in dict(letter.headers))
    assert ours.timestamp_ms >= hop.not_before.timestamp() * 1000
    assert origin_of(ours, "-") == Origin(topic, sent.partition, sent.offset, sent.timestamp_ms, "CreateTime", GROUP)
    assert dict(ours.headers)["retry_topic-attempts"] == (4).to_bytes(4, "big")


def expected_origin(sent: Record) -> dict[str, Any]:
    return {
        "topic": sent.topic, "partition": sent.partition, "offset": sent.offset, "timestamp": sent.timestamp_ms,
        "timestampType": "CreateTime", "group": GROUP,
    }  # fmt: skip


def told_of(kind: str, message: str) -> dict[str, str]:
    """An error of ours without a cause."""
    return {"fqcn": kind, "cause": kind, "message": message, "stacktrace": f"{kind}: {message}"}
