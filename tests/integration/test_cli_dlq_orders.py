"""`steno dlq replay`, `drop` and `park` on a real broker and a real store: each record once, whoever breaks off."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace

import pytest

from consumer.core.failures import ExitCode
from consumer.core.records import OutboundRecord, Record
from consumer.settings import Settings
from contracts.errors import ErrorCode
from tests.dead_letters import CODES, make_value, ours, ours_cut
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
from tests.stack.clients import make_topic
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, bucket: str, topic_name: str) -> Settings:
    return await furnished(kafka, bucket, topic_name)


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
