"""Topics and buckets for tests, made with the plain clients and not with code under test."""

from __future__ import annotations

from typing import Final

import aioboto3
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidSessionTimeoutError

from tests.stack.store import S3Address
from tests.waiting import until

_NO_ERROR: Final = 0
_SHORT_SESSION_MS: Final = 1_500
_USUAL_MINIMUM_MS: Final = 6_000
"""Of Kafka and of Redpanda, where nobody configured another."""


async def make_topic(bootstrap: str, name: str, *, partitions: int, config: dict[str, str] | None = None) -> str:
    """Makes a topic of one replica; returns its name."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        new = NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=config or {})
        response = await admin.create_topics([new])
        failures = [failure for failure in response.topic_errors if failure[1] != _NO_ERROR]
        assert not failures, failures

        async def is_listed() -> bool:
            return name in await admin.list_topics()

        await until(is_listed, f"{name} is listed")
    finally:
        await admin.close()
    return name


async def shortest_session_ms(bootstrap: str, topic: str) -> int:
    """How soon a broker takes a member for dead that is silent, at the least: 1.5 s where it lets us say so."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=topic,
        session_timeout_ms=_SHORT_SESSION_MS, heartbeat_interval_ms=_SHORT_SESSION_MS // 3,
    )  # fmt: skip
    try:
        await consumer.start()
        await consumer.getmany(timeout_ms=0)
    except InvalidSessionTimeoutError:
        return _USUAL_MINIMUM_MS
    finally:
        await consumer.stop()
    return _SHORT_SESSION_MS


async def remove_topic(bootstrap: str, name: str) -> None:
    """Deletes a topic; returns when no broker lists it any more."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([name])

        async def is_gone() -> bool:
            return name not in await admin.list_topics()

        await until(is_gone, f"{name} is gone")
    finally:
        await admin.close()


async def make_bucket(address: S3Address, name: str) -> str:
    """Makes a bucket; returns its name."""
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    async with session.client("s3", endpoint_url=address.endpoint) as client:
        await client.create_bucket(Bucket=name)
    return name
