"""`steno submit` on a real broker and a real store, and the answers of a worker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from consumer.cli.ending import run
from consumer.core.events import outcome_record
from consumer.core.jobs import make_job
from consumer.core.records import Record
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts import ErrorDetail, Kind, OutcomeEvent, TranscriptionRequest
from tests.make import EMITTER, NOW, make_record
from tests.stack.clients import make_topic

DEADLINE_S: Final = 30.0


async def furnished(kafka: str, unique: str, bucket: str) -> Settings:
    """With the topics made that the command writes and follows."""
    topics = TopicSettings(requests=f"{unique}.requests")
    for topic in (topics.requests, topics.results, topics.progress):
        await make_topic(kafka, topic, partitions=1)
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka), topics=topics, s3=S3Settings(uploads=f"s3://{bucket}/in/")
    )


async def submit(settings: Settings, *arguments: str | Path) -> int:
    """Runs the command in a thread, with a loop of its own, as in a process."""
    return await asyncio.to_thread(run, ["submit", *map(str, arguments)], lambda: settings)


async def requests(settings: Settings, count: int) -> list[TranscriptionRequest]:
    """The first so many that were published."""
    return [
        TranscriptionRequest.model_validate_json(record.value or b"") for record in await published(settings, count)
    ]


async def published(settings: Settings, count: int) -> list[Record]:
    """Their records, as a worker gets them."""
    consumer = AIOKafkaConsumer(
        settings.topics.requests, bootstrap_servers=settings.kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    async with asyncio.timeout(DEADLINE_S), consumer:
        found = [await consumer.getone() for _ in range(count)]
    return [
        replace(make_record(each.value, offset=each.offset), topic=each.topic, partition=each.partition)
        for each in found
    ]


async def fail_first_job(settings: Settings) -> None:
    """Answers the first request as a worker does that cannot serve it."""
    [cause] = await published(settings, 1)
    await fail(settings, cause)


async def fail(settings: Settings, cause: Record) -> None:
    """Publishes the outcome of a request whose media has no sound."""
    request = TranscriptionRequest.model_validate_json(cause.value or b"")
    error = ErrorDetail(code="MEDIA_NO_AUDIO", message="there is no sound in it", retryable=False)
    outcome = OutcomeEvent(
        job_id=request.job_id, outcome=Kind.FAILED, input=request.input.uri, manifest=None, error=error, attempt=1,
        worker="w",
    )  # fmt: skip
    job = make_job(request, default_output="s3://transcripts/")
    record = outcome_record(EMITTER, job, outcome, now=NOW, cause=cause)
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as producer:
        await producer.send_and_wait(
            settings.topics.results, record.value, key=record.key, headers=list(record.headers)
        )
