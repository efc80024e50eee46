"""What a worker with its own defaults expects to find: topics and buckets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import aioboto3
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TopicSpec
from tests.stack.clients import make_bucket, make_topic
from tests.stack.store import S3Address

BUCKETS: Final = ("transcripts", "media")


async def furnish(bootstrap: str, address: S3Address, *, topics: Iterable[TopicSpec], buckets: Iterable[str]) -> None:
    """Makes the topics and buckets that are not there yet; leaves the others as they are."""
    known_topics = await _topics(bootstrap)
    for topic in topics:
        if topic.name not in known_topics:
            await make_topic(bootstrap, topic.name, partitions=topic.partitions, config=dict(topic.config))
    known_buckets = await _buckets(address)
    for bucket in buckets:
        if bucket not in known_buckets:
            await make_bucket(address, bucket)


async def _topics(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


async def _buckets(address: S3Address) -> set[str]:
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    async with session.client("s3", endpoint_url=address.endpoint) as client:
        return {bucket["Name"] for bucket in (await client.list_buckets()).get("Buckets", [])}
