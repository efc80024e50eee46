"""`steno dlq` on a real broker and a real store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from consumer.adapters.kafka.browser import TopicBrowser
from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.core.records import OutboundRecord, Record
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts.broker import OPEN
from contracts.errors import ErrorCode
from tests.dead_letters import CODES, make_value, ours, ours_cut, springs_recoverers, springs_retry_topics
from tests.make import make_record
from tests.stack.clients import make_topic, remove_topic
from tests.stack.service import free_ports
from tests.waiting import until

DEADLINE_S: Final = 60.0
FOREIGN: Final = (("traceparent", b"00-ab-cd-01"), ("a", None), ("a", b"\xff"), ("", b""))

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, bucket: str, topic_name: str) -> Settings:
    topics = TopicSettings(requests=topic_name)
    for topic in (topics.requests, topics.dlt, topics.parking):
        await make_topic(kafka, topic, partitions=2, config={"max.message.bytes": "2097152"})
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka), topics=topics, s3=S3Settings(results=f"s3://{bucket}")
    )


def sent(settings: Settings, job_id: str, **fields: Any) -> Record:
    """A request as a worker had it."""
    record = make_record(make_value(job_id, **fields), key=job_id.encode(), headers=FOREIGN)
    return replace(record, topic=settings.topics.requests)


async def publish(settings: Settings, *records: OutboundRecord, partition: int | None = None) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, max_request_size=2**21) as producer:
        for record in records:
            headers = list(record.headers)
            await producer.send_and_wait(
                record.topic, record.value, key=record.key, headers=headers, partition=partition
            )


async def set_aside(settings: Settings, count: int = 14) -> list[Record]:
    """Fills the dead-letter topic; returns the requests behind."""
    records = [sent(settings, f"job-{number}") for number in range(count)]
    letters = [
        ours(record, CODES[number % len(CODES)], topic=settings.topics.dlt) for number, record in enumerate(records)
    ]
    await publish(settings, *letters)
    return records


async def records_of(settings: Settings, topic: str) -> list[Record]:
    async with TopicBrowser(settings.kafka.bootstrap_servers, OPEN) as browser:
        extent = await browser.extent(topic)
        return [
            record
            for partition, span in extent.partitions.items()
            async for record in browser.records(topic, partition, span)
        ]


async def dlq(settings: Settings, *arguments: str) -> int:
    """Runs the command in a thread, with a loop of its own, as in a process."""
    return await asyncio.wait_for(asyncio.to_thread(run, ["dlq", *arguments], lambda: settings), DEADLINE_S)


def documents(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_every_dialect_is_listed_shown_and_replayed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    topic, dlt = settings.topics.requests, settings.topics.dlt
    requests = [sent(settings, f"job-{number}", tenant="acme") for number in range(3)]
    letters = [
        ours(requests[0], topic=dlt),
        springs_recoverers(requests[1], topic=dlt),
        springs_retry_topics(requests[2], topic=dlt),
    ]
    bare = OutboundRecord(dlt, b"\xff", b"\x00\xff?", (("x-steno-attempt", b"many"),))
    await publish(settings, *letters, bare, partition=1)

    assert await dlq(settings, "ls", "--json") == ExitCode.OK
    listed = documents(capsys)
    assert [(each["code"], each["job_id"], each["attempts"], each["origin"]) for each in listed] == [
        ("MEDIA_CORRUPT", "job-0", 1, f"{topic}/3/42"), ("BadMediaException", "job-1", None, f"{topic}/3/42"),
        ("BadMediaException", "job-2", 3, f"{topic}/3/42"), ("-", None, None, None),
    ]  # fmt: skip
    assert await dlq(settings, "show", "1/3") == ExitCode.OK
    assert "3 bytes that are no text: \\x00\\xff?" in capsys.readouterr().out
    assert await dlq(settings, "show", listed[1]["place"], "--json") == ExitCode.OK
    (shown,) = documents(capsys)
    assert {"name": "kafka_dlt-original-offset", "value": "42"} in shown["headers"]
    assert json.loads(shown["value"])["tenant"] == "acme"

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


async def test_a_filtered_replay_happens_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await set_aside(settings)
    chosen = ("--code", CODES[0], "--code", CODES[1], "--json")
    assert await dlq(settings, "replay", *chosen) == ExitCode.OK
    (rehearsal,) = documents(capsys)
    assert (rehearsal["is_dry_run"], rehearsal["replayed"]) == (True, 4)
    assert await records_of(settings, settings.topics.requests) == []

    assert await dlq(settings, "replay", *chosen, "--yes") == ExitCode.OK
    assert await dlq(settings, "replay", *chosen, "--yes") == ExitCode.OK
    first, second = documents(capsys)
    assert (first["replayed"], second["replayed"], second["selected"]) == (4, 0, 0)
    assert len(await records_of(settings, settings.topics.requests)) == 4

    assert await dlq(settings, "stats", "--json") == ExitCode.OK
    (stats,) = documents(capsys)
    assert (stats["total"], stats["unhandled"], stats["standings"]) == (14, 10, {"replayed": 4, "open": 10})
    assert set(stats["codes"]) == set(CODES[2:])
    assert await dlq(settings, "ls", "--all", "--limit", "20", "--json") == ExitCode.OK
    assert sorted(each["state"] for each in documents(capsys)) == ["open"] * 10 + ["replayed"] * 4


async def test_runs_at_once_on_several_machines_send_each_record_once(settings: Settings) -> None:
    await set_aside(settings, 120)
    runs = [await start(settings, "replay", "--yes", "--json") for _ in range(2)]
    told = [json.loads((await asyncio.wait_for(each.communicate(), DEADLINE_S))[0]) for each in runs]
    assert sum(report["replayed"] for report in told) == 120
    assert len(await records_of(settings, settings.topics.requests)) == 120


async def test_ctrl_c_stops_between_two_records_and_the_next_run_goes_on(settings: Settings) -> None:
    await set_aside(settings, 40)
    running = await start(settings, "replay", "--yes", "--json", "--rate", "5/s")

    async def has_begun() -> bool:
        return len(await records_of(settings, settings.topics.requests)) > 1

    await until(has_begun, "the first records are replayed")
    running.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(running.communicate(), DEADLINE_S)
    assert (running.returncode, err) == (130, b"steno: interrupted\n")
    report = json.loads(out)
    assert report["replayed"] == len(await records_of(settings, settings.topics.requests)) < 40
    assert await dlq(settings, "replay", "--yes") == ExitCode.OK
    assert len(await records_of(settings, settings.topics.requests)) == 40


async def test_what_was_replayed_too_often_is_parked(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    record = replace(sent(settings, "a"), headers=(*FOREIGN, ("x-steno-replay-count", b"3")))
    await publish(settings, ours(record, topic=settings.topics.dlt))
    assert await dlq(settings, "replay", "--yes", "--json") == ExitCode.OK
    (parked,) = await records_of(settings, settings.topics.parking)
    assert dict(parked.headers)["x-steno-error-code"] == b"MEDIA_CORRUPT"
    assert documents(capsys)[0]["to"] == {settings.topics.parking: 1}
    there = ("--topic", settings.topics.parking, "--json")
    assert await dlq(settings, "replay", *there, "--yes") == ExitCode.FAILED
    assert documents(capsys)[0]["undone"] == {"ceiling": 1}
    assert await dlq(settings, "replay", *there, "--yes", "--max-replays", "9") == ExitCode.OK
    (again,) = await records_of(settings, settings.topics.requests)
    assert again.headers == (*FOREIGN, ("x-steno-replay-count", b"4"))


async def test_dropped_and_parked_letters_are_passed_over(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await set_aside(settings, 4)
    assert await dlq(settings, "drop", "--job", "job-0", "--yes") == ExitCode.OK
    assert await dlq(settings, "park", "--job", "job-1", "--yes") == ExitCode.OK
    capsys.readouterr()
    assert await dlq(settings, "ls", "--json") == ExitCode.OK
    assert sorted(each["job_id"] for each in documents(capsys)) == ["job-2", "job-3"]
    assert len(await records_of(settings, settings.topics.dlt)) == 4
    (parked,) = await records_of(settings, settings.topics.parking)
    assert parked.key == b"job-1"


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


async def test_a_cut_record_comes_back_from_where_it_stood(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    value = make_value("big", metadata={"filler": "x" * 3000})
    topic = settings.topics.requests
    await publish(settings, OutboundRecord(topic, b"big", value, FOREIGN), partition=1)
    whole = Record(topic, 1, 0, 0, b"big", value, FOREIGN)
    gone = replace(sent(settings, "gone"), partition=1, offset=99)
    nowhere = replace(gone, topic=f"{topic}.none")
    letters = [ours_cut(each, topic=settings.topics.dlt) for each in (whole, gone, nowhere)]
    await publish(settings, *letters)
    assert await dlq(settings, "replay", "--yes", "--to", topic) == ExitCode.FAILED
    captured = capsys.readouterr()
    assert "steno: 2 cannot be done" in captured.err
    assert "x-steno-truncated-at" in captured.err
    found = [(record.key, record.value, record.headers) for record in await records_of(settings, topic)]
    assert (b"big", value, (*FOREIGN, ("x-steno-replay-count", b"1"))) in found
    assert len(found) == 2


async def test_a_copy_that_the_broker_refuses_is_told_and_the_others_go(
    settings: Settings, kafka: str, unique: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small = await make_topic(kafka, f"{unique}.small", partitions=1, config={"max.message.bytes": "2000"})
    letters = [
        ours(sent(settings, job_id, metadata={"filler": "x" * size}), ErrorCode.INTERNAL, topic=settings.topics.dlt)
        for job_id, size in (("big", 3000), ("small", 1))
    ]
    await publish(settings, *letters)
    assert await dlq(settings, "replay", "--yes", "--to", small) == ExitCode.FAILED
    assert "max.message.bytes" in capsys.readouterr().err
    assert [record.key for record in await records_of(settings, small)] == [b"small"]


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


async def start(settings: Settings, *arguments: str) -> asyncio.subprocess.Process:
    """Runs the command as a process, as somebody on another machine would."""
    environment = os.environ | {
        "STENO_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "STENO_TOPICS__REQUESTS": settings.topics.requests,
        "STENO_S3__RESULTS": settings.s3.results,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "dlq", *arguments,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
