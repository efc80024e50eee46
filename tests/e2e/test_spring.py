"""A worker's own hops and dead letters in Spring Kafka, and Spring's in a worker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from tests.e2e.conftest import deployed
from tests.e2e.fleet import Deployment
from tests.spring_letters import GROUP, load
from tests.stack.spring import Spring, Verb
from tests.stack.store import S3Address


@pytest.fixture
async def deployment(kafka: str, s3_address: S3Address, unique: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    fake = {"STENO_ENGINE__KIND": "fake"}
    async with deployed(Deployment(kafka, s3_address, unique, tmp_path, fake, delays_ms=(100, 200))) as deployment:
        yield deployment


def request(deployment: Deployment) -> dict[str, Any]:
    """One whose input never comes."""
    return {"job_id": "gone", "input": {"uri": f"s3://{deployment.prefix}/gone.mp3"}}


async def test_spring_follows_a_job_of_ours_from_hop_to_hop_to_its_dead_letter(
    deployment: Deployment, spring: Spring
) -> None:
    await deployment.start_worker()
    await deployment.publish(request(deployment), partition=1)
    await deployment.read(deployment.dead_letters, 1)
    (sent,) = await deployment.read(deployment.requests, 1)

    readings = dict.fromkeys(deployment.retry_topics, Verb.READ_RETRIED) | {deployment.dead_letters: Verb.READ}
    for attempts, (topic, verb) in enumerate(readings.items(), start=2):
        async with spring.running(verb, topic, "readers"):
            (found,) = await spring.told(topic)
        assert found["attempts"] == attempts
        assert found["origin"] == {
            "topic": deployment.requests, "partition": 1, "offset": 0, "timestamp": sent.timestamp,
            "timestampType": "CreateTime", "group": deployment.prefix,
        }  # fmt: skip
        assert found["firstTimestamp"] == sent.timestamp
        assert found["exception"]["fqcn"] == "consumer.core.failures.TransientError"
        assert f"s3://{deployment.prefix}/gone.mp3" in found["exception"]["message"]


async def test_a_worker_goes_on_where_springs_retry_topics_are(deployment: Deployment) -> None:
    hop = load("retry-hop").written
    await deployment.start_worker()
    async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer:
        value = json.dumps(request(deployment)).encode()
        await producer.send_and_wait(deployment.retry_topics[0], value, hop.key, headers=list(hop.headers))

    (last,) = await deployment.read(deployment.retry_topics[1], 1)
    (letter,) = await deployment.read(deployment.dead_letters, 1)
    assert dict(last.headers)["retry_topic-attempts"] == (3).to_bytes(4, "big")
    headers = dict(letter.headers)
    assert (headers["x-steno-attempt"], headers["x-steno-error-code"]) == (b"3", b"INPUT_NOT_FOUND")
    assert headers["kafka_dlt-original-topic"] == b"jobs"
    assert headers["kafka_dlt-original-consumer-group"] == GROUP.encode()
    assert headers["retry_topic-original-timestamp"] == load("retry-hop").sent.timestamp_ms.to_bytes(8, "big")
