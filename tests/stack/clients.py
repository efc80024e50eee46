"""Topics and buckets for tests, made with the plain clients and not with code under test."""

from __future__ import annotations

from typing import Final

import aioboto3
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.stack.store import S3Address
from tests.waiting import until

_NO_ERROR: Final = 0


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
