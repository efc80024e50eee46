"""A deployment for each test, and what faster-whisper itself says of a clip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from faster_whisper import WhisperModel

from consumer.models.resolve import locate
from tests.e2e.fleet import Deployment
from tests.stack.broker import Broker
from tests.stack.clients import make_bucket, make_topic
from tests.stack.store import S3Address

Reference = Callable[[Path], str]


@pytest.fixture
async def deployment(kafka: str, s3_address: S3Address, unique: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """Topics and a bucket of its own; every worker of it is gone at the end."""
    async with deployed(Deployment(kafka, s3_address, unique, tmp_path)) as made:
        yield made


@pytest.fixture
async def deployment_apart(
    own_broker: Broker, s3_address: S3Address, unique: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    """A deployment on `own_broker`."""
    async with deployed(Deployment(own_broker.bootstrap, s3_address, unique, tmp_path)) as made:
        yield made


@asynccontextmanager
async def deployed(deployment: Deployment) -> AsyncIterator[Deployment]:
    await make_bucket(deployment.address, deployment.prefix)
    roomy = {deployment.dead_letters, *deployment.retry_topics}
    for topic in deployment.topics:
        await make_topic(
            deployment.bootstrap,
            topic,
            partitions=4 if topic == deployment.requests else 1,
            config={"max.message.bytes": "16777216"} if topic in roomy else None,
        )
    try:
        yield deployment
    finally:
        await deployment.close()


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The text of a direct call of faster-whisper with `tiny.en` at temperature 0."""
    return make_reference()


def make_reference() -> Reference:
    model = WhisperModel(str(locate("tiny.en", Path("absent")).path), device="cpu", compute_type="int8")

    @cache
    def transcribe(path: Path) -> str:
        segments, _ = model.transcribe(str(path), temperature=[0.0])
        return "".join(segment.text for segment in segments).strip()

    return transcribe
