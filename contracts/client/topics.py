"""Which partitions topics have, asked in a way that never creates one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.broker.knock import explained
from contracts.broker.link import link_options
from contracts.client.config import ClientConfig
from contracts.client.errors import BROKER_ERRORS, MissingTopicError, broker_error

_CLOSE_TIMEOUT_S: Final = 5.0


async def partitions_of(config: ClientConfig, topics: Iterable[str]) -> tuple[TopicPartition, ...]:
    """All partitions of the topics.

    Raises:
        ClientError: the broker does not answer or refuses; a topic is missing.
    """
    names = list(dict.fromkeys(topics))
    timeout_ms = int(config.answer_timeout_s * 1000)
    try:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=config.bootstrap_servers, request_timeout_ms=timeout_ms, **link_options(config.security)
        )
        async with asyncio.timeout(config.answer_timeout_s), _open(admin):
            return await _described(admin, names)
    except BROKER_ERRORS as exc:
        cause = await explained(exc, config.bootstrap_servers, config.security)
        raise broker_error(cause, config.bootstrap_servers) from exc


@asynccontextmanager
async def _open(admin: AIOKafkaAdminClient) -> AsyncIterator[None]:
    try:
        await admin.start()
        yield
    finally:
        with contextlib.suppress(*BROKER_ERRORS):  # what was asked is answered, or failed for a better reason
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await admin.close()


async def _described(admin: AIOKafkaAdminClient, names: list[str]) -> tuple[TopicPartition, ...]:
    # Describing a topic that does not exist may create it; listing does not.
    existing = await admin.list_topics()
    if missing := [name for name in names if name not in existing]:
        raise MissingTopicError(f"the broker has no topic {', '.join(missing)}; create it with `steno topics init`")
    found = await admin.describe_topics(names)
    return tuple(
        TopicPartition(topic["topic"], partition["partition"]) for topic in found for partition in topic["partitions"]
    )
