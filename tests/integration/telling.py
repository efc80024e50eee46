"""Events as a worker would tell them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from contracts.client import ClientConfig
from contracts.events import Kind

MEDIA = "s3://media-bucket/a.mp3"


@dataclass(frozen=True, slots=True)
class Teller:
    """Publishes to the topics of one client."""

    producer: AIOKafkaProducer
    config: ClientConfig

    @classmethod
    @asynccontextmanager
    async def started(cls, config: ClientConfig) -> AsyncIterator[Self]:
        async with AIOKafkaProducer(bootstrap_servers=config.bootstrap_servers) as producer:
            yield cls(producer, config)

    async def tell(self, kind: Kind, job_id: str, *, code: str | None = None, retryable: bool = True) -> None:
        """One event, with the same id each time; an outcome without a code has completed."""
        value: dict[str, Any] = {"job_id": job_id, "input": MEDIA, "attempt": 1, "worker": "w"}
        if kind.is_outcome:
            error = {"code": code, "message": "why", "retryable": retryable} if code else None
            value |= {"outcome": kind, "manifest": None if code else f"s3://x/{job_id}/manifest.json", "error": error}
        else:
            value |= {"kind": kind, "done_s": 1.0}
        attributes = {"specversion": "1.0", "id": f"-/{job_id}/{kind}/0", "source": "/steno/test", "type": kind.type}
        headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
        topic = self.config.results_topic if kind.is_outcome else self.config.progress_topic
        await self.producer.send_and_wait(topic, json.dumps(value).encode(), key=job_id.encode(), headers=headers)
