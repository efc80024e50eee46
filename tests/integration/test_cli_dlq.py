"""`steno dlq` on a real broker and a real store: what is listed and shown, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from consumer.core.failures import ExitCode
from consumer.core.records import OutboundRecord, Record
from consumer.settings import KafkaSettings, S3Settings, Settings
from tests.dead_letters import ours, springs_recoverers, springs_retry_topics
from tests.integration.dlq import (
    DEADLINE_S,
    FOREIGN,
    dlq,
    documents,
    furnished,
    publish,
    records_of,
    sent,
    set_aside,
    start,
)
from tests.stack.clients import make_topic, remove_topic
from tests.stack.service import free_ports

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, bucket: str, topic_name: str) -> Settings:
    return await furnished(kafka, bucket, topic_name)


async def set_aside_in_every_dialect(settings: Settings) -> list[Record]:
    """Fills a partition with letters of one tenant, and one that says nothing; returns the requests behind."""
    dlt = settings.topics.dlt
    requests = [sent(settings, f"job-{number}", tenant="acme") for number in range(3)]
    letters = [
        ours(requests[0], topic=dlt),
        springs_recoverers(requests[1], topic=dlt),
        springs_retry_topics(requests[2], topic=dlt),
    ]
    bare = OutboundRecord(dlt, b"\xff", b"\x00\xff?", (("x-steno-attempt", b"many"),))
    await publish(settings, *letters, bare, partition=1)
    return requests


async def test_every_dialect_is_listed_and_shown(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    origin = f"{settings.topics.requests}/3/42"
    await set_aside_in_every_dialect(settings)
    assert await dlq(settings, "ls", "--json") == ExitCode.OK
    listed = documents(capsys)
    assert [(each["code"], each["job_id"], each["attempts"], each["origin"]) for each in listed] == [
        ("MEDIA_CORRUPT", "job-0", 1, origin), ("BadMediaException", "job-1", None, origin),
        ("BadMediaException", "job-2", 3, origin), ("-", None, None, None),
    ]  # fmt: skip
    assert await dlq(settings, "show", "1/3") == ExitCode.OK
    assert "3 bytes that are no text: \\x00\\xff?" in capsys.readouterr().out
    assert await dlq(settings, "show", listed[1]["place"], "--json") == ExitCode.OK
    (shown,) = documents(capsys)
    assert {"name": "kafka_dlt-original-offset", "value": "42"} in shown["headers"]
    assert json.loads(shown["value"])["tenant"] == "acme"


async def test_every_dialect_is_replayed_as_it_was_sent(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    topic = settings.topics.requests
    requests = await set_aside_in_every_dialect(settings)
    assert await dlq(settings, "replay", "--tenant", "acme", "--yes", "--json") == ExitCode.OK
    assert documents(capsys)[0]["to"] == {topic: 3}
    found = {record.key: record for record in await records_of(settings, topic)}
    for request in requests:
        again = found[request.key]
        assert (again.value, again.headers) == (request.value, (*FOREIGN, ("x-steno-replay-count", b"1")))


async def test_the_bytes_of_a_value_come_out_as_they_are(settings: Settings) -> None:
    await publish(settings, OutboundRecord(settings.topics.dlt, b"", b"\x00\xff\r\n?", ()), partition=0)
    showing = await start(settings, "show", "0/0", "--raw")
    out, err = await asyncio.wait_for(showing.communicate(), DEADLINE_S)
    assert (showing.returncode, out, err) == (ExitCode.OK, b"\x00\xff\r\n?", b"")


async def test_a_topic_made_anew_inherits_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    kafka, dlt = settings.kafka.bootstrap_servers, settings.topics.dlt
    await set_aside(settings, 1)
    assert await dlq(settings, "drop", "--yes") == ExitCode.OK
    await remove_topic(kafka, dlt)
    await make_topic(kafka, dlt, partitions=2)
    await set_aside(settings, 1)
    capsys.readouterr()
    assert await dlq(settings, "ls", "--json") == ExitCode.OK
    assert [each["state"] for each in documents(capsys)] == ["open"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ls", "--offset", "x"], "--offset: 'x' are no offsets"),
        (["ls", "--newer-than", "yesterday"], "is neither a time"),
        (["ls", "--newer-than", "1h", "--older-than", "2h"], "leave no time between them"),
        (["show", "x"], "'x' is no place of a record"),
        (["replay", "--yes", "--dry-run"], "choose one"),
        (["replay", "--rate", "fast"], "'fast' is no rate"),
        (["replay", "--extend-deadline", "soon"], "'soon' is no length of time"),
    ],
)
async def test_misuse_is_one_line(arguments: Sequence[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await dlq(Settings(), *arguments) == ExitCode.MISUSE
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


async def test_what_is_not_there_is_one_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await publish(settings, ours(sent(settings, "a"), topic=settings.topics.dlt))
    for arguments, code, complaint in (
        (["show", "0/99"], ExitCode.FAILED, "there is no record at"),
        (["ls", "--topic", "none.such"], ExitCode.TOPICS_MISSING, "none.such"),
        (["replay", "--to", "none.such"], ExitCode.TOPICS_MISSING, "none.such"),
    ):
        assert await dlq(settings, *arguments) == code
        error = capsys.readouterr().err
        assert complaint in error
        assert error.count("\n") == 1


async def test_a_store_or_broker_that_is_away_is_one_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    away = settings.model_copy(update={"kafka": KafkaSettings(bootstrap_servers=nowhere)})
    assert await dlq(away, "ls") == ExitCode.UNAVAILABLE
    assert capsys.readouterr().err.startswith(f"steno: no Kafka broker answers at {nowhere}")
    missing = settings.model_copy(update={"s3": S3Settings(results="s3://no-such-bucket-of-ours/")})
    await set_aside(settings, 1)
    assert await dlq(missing, "ls") == ExitCode.REFUSED
    assert "the desk's journal cannot be had" in capsys.readouterr().err
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{nowhere}")
    assert await dlq(settings, "ls") == ExitCode.UNAVAILABLE
    error = capsys.readouterr().err
    assert error.startswith("steno: the desk's journal cannot be had")
    assert error.count("\n") == 1
    assert await dlq(settings, "ls", "--all", "--json") == ExitCode.OK
    captured = capsys.readouterr()
    assert json.loads(captured.out)["state"] == "unknown"
    assert captured.err.startswith("steno: what was handled is not known: the desk's journal cannot be had")
    assert captured.err.count("\n") == 1
