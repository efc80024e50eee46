"""Requests on their way to the broker."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from contracts.broker.link import link_options
from contracts.client.config import ClientConfig
from contracts.client.errors import BROKER_ERRORS, broker_error
from contracts.client.topics import partitions_of
from contracts.requests import TranscriptionRequest

_CLOSE_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Published:
    """Where and when the broker took a request."""

    at: datetime
    place: str | None
    """topic/partition/offset; None where the broker does not say."""


class Publisher:
    """One producer, started at first use and shared by all who publish."""

    def __init__(self, config: ClientConfig, resources: AsyncExitStack) -> None:
        """Connects to nothing yet.

        Args:
            config: where the broker is.
            resources: closes the producer.
        """
        self._config = config
        self._resources = resources
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def publish(self, request: TranscriptionRequest, *, job_id: str, traceparent: str | None) -> Published:
        """Ends when the broker has the request for good.

        Raises:
            ClientError: the broker does not answer or refuses; the topic is missing.
        """
        named = request.model_copy(update={"job_id": job_id})
        # What is null is left out: it means the default, and an older worker need not know the field.
        value = named.model_dump_json(exclude_none=True).encode()
        headers = [("content-type", b"application/json")]
        headers += [("traceparent", traceparent.encode())] if traceparent else []
        producer = await self._connected()
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                sent = await producer.send(self._config.requests_topic, value, key=job_id.encode(), headers=headers)
                record = await asyncio.shield(sent)
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc
        # A repeated send, which the broker had already, is answered without an offset.
        place = f"{record.topic}/{record.partition}/{record.offset}" if record.offset >= 0 else None
        return Published(datetime.fromtimestamp(record.timestamp / 1000, UTC), place)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                await partitions_of(self._config, (self._config.requests_topic,))
                self._producer = await self._started()
            return self._producer

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._config.bootstrap_servers, acks="all", enable_idempotence=True,
            metadata_max_age_ms=30_000, **link_options(self._config.security),
        )  # fmt: skip
        self._resources.push_async_callback(_stop, producer)
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                await producer.start()
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc
        return producer


async def _stop(producer: AIOKafkaProducer) -> None:
    # An idempotent send that got no answer would be repeated for ever.
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await producer.stop()
    except TimeoutError:
        await producer.client.close()
