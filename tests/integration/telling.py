"""Events as a worker would tell them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer

from contracts import Input, TranscriptionRequest
from contracts.client import ClientConfig
from contracts.client.jobs import JobHandle
from contracts.events import Kind
from tests.stack.clients import make_topic

MEDIA: Final = "s3://media-bucket/a.mp3"
REQUEST: Final = TranscriptionRequest(input=Input(uri=MEDIA))
TIMEOUT_S: Final = 30.0
"""Longer than any wait of these tests lasts."""
_ANSWER_S: Final = 30.0


async def furnished(
    bootstrap: str,
    stem: str,
    *,
    uploads_prefix: str = "s3://none-here/uploads/",
    results_prefix: str = "s3://none-here/results/",
) -> ClientConfig:
    """What a client needs to know, with topics made for it."""
    config = ClientConfig(
        bootstrap_servers=bootstrap, requests_topic=f"{stem}.requests", results_topic=f"{stem}.results",
        progress_topic=f"{stem}.progress", answer_timeout_s=_ANSWER_S,
        uploads_prefix=uploads_prefix, results_prefix=results_prefix,
    )  # fmt: skip
    topics = (config.requests_topic, config.results_topic, config.progress_topic)
    await asyncio.gather(*(make_topic(bootstrap, topic, partitions=2) for topic in topics))
    return config


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
        await self._tell(kind, _value(kind, job_id, MEDIA, code, retryable=retryable), {})

    async def answer(self, job: JobHandle, kind: Kind, *, code: str | None = None) -> None:
        """The same, with the request that it answers."""
        marks = {"cause": job.place or "", "fingerprint": job.fingerprint}
        await self._tell(kind, _value(kind, job.job_id, job.input_uri, code, retryable=True), marks)

    async def _tell(self, kind: Kind, value: dict[str, Any], marks: Mapping[str, str]) -> None:
        job_id = value["job_id"]
        attributes = {"specversion": "1.0", "id": f"-/{job_id}/{kind}/0", "source": "/steno/test", "type": kind.type}
        headers = [(f"ce_{name}", text.encode()) for name, text in (*attributes.items(), *marks.items())]
        topic = self.config.results_topic if kind.is_outcome else self.config.progress_topic
        await self.producer.send_and_wait(topic, json.dumps(value).encode(), key=job_id.encode(), headers=headers)


def _value(kind: Kind, job_id: str, media: str, code: str | None, *, retryable: bool) -> dict[str, Any]:
    value: dict[str, Any] = {"job_id": job_id, "input": media, "attempt": 1, "worker": "w"}
    if not kind.is_outcome:
        return value | {"kind": kind, "done_s": 1.0}
    error = {"code": code, "message": "why", "retryable": retryable} if code else None
    return value | {"outcome": kind, "manifest": None if code else f"s3://x/{job_id}/manifest.json", "error": error}
