"""Follows a deployment's topics while faults come and go, and notes when each event came."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from contracts.events import Kind, parse_event
from tests.bench.faults.evidence import Seen, in_flight
from tests.e2e.fleet import Deployment

_Record: TypeAlias = ConsumerRecord[bytes, bytes]


@dataclass
class Watch:
    """What was seen so far."""

    begun: list[Seen] = field(default_factory=list)
    ends: list[Seen] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    """Where each dead letter first stood."""
    on_begun: Callable[[Seen], None] = lambda _: None
    """Hears of each transcription at once."""

    @property
    def ended(self) -> set[str]:
        """Names of jobs with an outcome."""
        return {seen.name for seen in self.ends}

    def in_flight(self, victim: str | None = None) -> list[Seen]:
        """Beginnings of jobs without an outcome yet; those of one worker, or of all."""
        return in_flight(self.begun, self.ends, time.monotonic(), victim)

    def note(self, record: _Record, dead_letters: str) -> None:
        """Takes in one record."""
        if record.topic == dead_letters:
            self.letters.append(origin_of(record))
            return
        seen = Seen(time.monotonic(), parse_event(record.headers, record.value), record.value)
        if seen.event.type == Kind.STARTED.type:
            self.begun.append(seen)
            self.on_begun(seen)
        elif any(seen.event.type == kind.type for kind in Kind if kind.is_outcome):
            self.ends.append(seen)


def origin_of(letter: _Record) -> str:
    """Where a dead letter's record first stood: topic/partition/offset."""
    headers = {name: raw or b"" for name, raw in letter.headers}
    (partition,) = struct.unpack("!i", headers["kafka_dlt-original-partition"])
    (offset,) = struct.unpack("!q", headers["kafka_dlt-original-offset"])
    return f"{headers['kafka_dlt-original-topic'].decode()}/{partition}/{offset}"


@asynccontextmanager
async def watching(deployment: Deployment) -> AsyncIterator[Watch]:
    """Follows from the first record on; at the end everything up to then was seen."""
    watch = Watch()
    consumer = AIOKafkaConsumer(
        deployment.results, deployment.dead_letters, f"{deployment.prefix}.progress",
        bootstrap_servers=deployment.bootstrap, auto_offset_reset="earliest", group_id=None,
    )  # fmt: skip
    async with consumer:
        task = asyncio.create_task(_follow(consumer, watch, deployment.dead_letters))
        try:
            yield watch
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _follow(consumer: AIOKafkaConsumer, watch: Watch, dead_letters: str) -> None:
    while True:
        try:
            batches = await consumer.getmany(timeout_ms=100)
        except KafkaError:  # the broker is away; the consumer finds it again by itself
            await asyncio.sleep(0.1)
            continue
        for batch in batches.values():
            for record in batch:
                watch.note(record, dead_letters)
