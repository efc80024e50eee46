"""What several integration tests start from."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

import pytest

from consumer.media.decoder import ProcessDecoder
from contracts.client import ClientConfig, StenoClient
from contracts.topics import retry_topic
from tests.decoders import LIMITS
from tests.integration.beds import DELAY_MS, Bed, FakeBed, KafkaBed
from tests.integration.doctors_look import Look, looking
from tests.integration.telling import Teller, furnished
from tests.pulling import SMALL, Steno
from tests.stack.clients import make_topic
from tests.stack.hub import Repository, StandIn, stand_in_hub
from tests.stack.tokens import TokenEndpoint, token_endpoint


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A hub that has one model and behaves; no token of this machine's user is told to it."""
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)  # what comes in a chunk cut off is lost
    with stand_in_hub({SMALL: Repository()}) as found:
        yield found


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where models are kept: a folder that does not exist yet."""
    return tmp_path / "cache"


@pytest.fixture
def steno(hub: StandIn, cache: Path) -> Steno:
    """`steno models` with that hub and that cache."""
    return Steno(hub, cache)


@pytest.fixture
async def decoder() -> AsyncIterator[ProcessDecoder]:
    """One of usual limits, open."""
    async with ProcessDecoder(LIMITS) as decoder:
        yield decoder


@pytest.fixture
def endless() -> Iterator[IO[bytes]]:
    """Media that never comes: whoever reads it hangs."""
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb", buffering=0) as file, os.fdopen(writable, "wb", buffering=0):
        yield file


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    """Gives tokens."""
    with token_endpoint() as found:
        yield found


@pytest.fixture
async def topic_with_retries(kafka: str, topic: str) -> str:
    """A fresh topic on the real broker, beside its retry topic."""
    await make_topic(kafka, retry_topic(topic, DELAY_MS), partitions=2)
    return topic


@pytest.fixture
async def config(kafka: str, unique: str, bucket: str) -> ClientConfig:
    """A client's, whose topics and bucket are there."""
    return await furnished(kafka, unique, uploads_prefix=f"s3://{bucket}/in/", results_prefix=f"s3://{bucket}/results/")


@pytest.fixture
async def worker(config: ClientConfig) -> AsyncIterator[Teller]:
    """Answers that client."""
    async with Teller.started(config) as teller:
        yield teller


@pytest.fixture
async def client(config: ClientConfig) -> AsyncIterator[StenoClient]:
    """One of that configuration, open."""
    async with StenoClient(config) as opened:
        yield opened


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """Looks at a store as the doctor does."""
    return looking(monkeypatch, tmp_path)


@pytest.fixture(params=["fake", "kafka"])
def bed(request: pytest.FixtureRequest, topic_name: str) -> Bed:
    """A broker in memory, then a real one: what holds of one must hold of the other."""
    if request.param == "fake":
        return FakeBed(topic_name)
    topic = request.getfixturevalue("topic_with_retries")
    return KafkaBed(request.getfixturevalue("kafka"), topic, request.getfixturevalue("session_ms"))
