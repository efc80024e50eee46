"""The client library on the demo's embedded broker, which is no real one."""

from __future__ import annotations

import json

import pytest
from aiokafka import AIOKafkaProducer

from consumer.demo.embedded import embedded_stack
from contracts import Input, TranscriptionRequest
from contracts.client import ClientConfig, StenoClient

TIMEOUT_S = 30.0


async def test_a_job_is_submitted_and_followed_to_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ClientConfig()
    topics = [wanted.requests_topic, wanted.results_topic, wanted.progress_topic]
    async with embedded_stack(buckets=[], topics=topics) as stack:
        for name, value in stack.aws_environment.items():
            monkeypatch.setenv(name, value)
        config = ClientConfig(bootstrap_servers=stack.kafka)
        async with StenoClient(config) as client, client.follow() as feed:
            job_id = (await client.submit(TranscriptionRequest(input=Input(uri="s3://media/a.mp3")))).job_id
            await complete(config, job_id)
            events = [event async for event in feed.until_settled([job_id], timeout_s=TIMEOUT_S)]
    assert [event.data.job_id for event in events] == [job_id]


async def complete(config: ClientConfig, job_id: str) -> None:
    """Publishes an outcome as a worker would."""
    value = {"job_id": job_id, "outcome": "completed", "input": None, "manifest": None, "error": None, "attempt": 1,
             "worker": "w"}  # fmt: skip
    attributes = {"specversion": "1.0", "id": job_id, "source": "/steno/test",
                  "type": "io.steno.transcription.completed.v1"}  # fmt: skip
    headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    async with AIOKafkaProducer(bootstrap_servers=config.bootstrap_servers) as producer:
        await producer.send_and_wait(config.results_topic, json.dumps(value).encode(), headers=headers)
