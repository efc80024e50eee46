"""`steno dlq` beside dead letters on a real broker and a journal in a real store."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from consumer.adapters.kafka.browser import TopicBrowser
from consumer.cli.ending import run
from consumer.core.records import OutboundRecord, Record
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts.broker import OPEN
from tests.dead_letters import CODES, make_value, ours
from tests.make import make_record
from tests.stack.clients import make_topic

DEADLINE_S: Final = 60.0
FOREIGN: Final = (("traceparent", b"00-ab-cd-01"), ("a", None), ("a", b"\xff"), ("", b""))
"""Headers that are none of ours, and have to come back as they went."""


async def furnished(kafka: str, bucket: str, topic_name: str) -> Settings:
    """With the topics made that the desk reads and writes."""
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
    """Sends records as they are."""
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
    """All that a topic holds by now."""
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


def documents(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What `--json` said since somebody looked last."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
