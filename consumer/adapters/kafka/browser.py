"""What stands on topics now, read without a consumer group: nobody's offsets move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumer.adapters.kafka.admin import open_admin
from consumer.adapters.kafka.closing import close_consumer
from consumer.adapters.kafka.consumer import make_record
from consumer.adapters.kafka.errors import start_failure
from consumer.adapters.kafka.records import read_any_header
from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.topic_ids import topic_id
from consumer.adapters.kafka.topics import require_topics
from consumer.core.failures import ExitCode, FatalError
from consumer.ports import Record
from contracts.broker import BrokerSecurity
from contracts.broker.knock import explained
from contracts.broker.link import link_options

_ANSWER_S: Final = 15.0
_SILENCE_S: Final = 30.0
"""Without anything read where there must be something."""
_POLL_MS: Final = 200
_FETCH_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TopicExtent:
    """What a topic held at one moment."""

    topic: str
    topic_id: str | None
    """None where the broker gives none."""
    partitions: Mapping[int, range]
    """Offsets of each; a range may have holes. Records of open transactions are beyond its end."""


class TopicBrowser:
    """Reads records at places; open it as a context manager. One reader at a time.

    Whatever it does may raise FatalError: the broker does not answer or refuses us, or what is asked for is missing.
    """

    def __init__(self, bootstrap_servers: str, security: BrokerSecurity) -> None:
        """Connects to nothing yet."""
        self._bootstrap_servers = bootstrap_servers
        self._security = security

    async def __aenter__(self) -> Self:
        """Connects."""
        async with self._translated():
            read_any_header()
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap_servers, group_id=None, enable_auto_commit=False,
                # Where retention has overtaken us; the end that was looked up before still ends it.
                auto_offset_reset="earliest", isolation_level="read_committed", fetch_max_wait_ms=100,
                max_partition_fetch_bytes=_FETCH_BYTES, **link_options(self._security),
            )  # fmt: skip
        try:
            async with self._translated(), asyncio.timeout(_ANSWER_S):
                await self._consumer.start()
        except BaseException:
            await close_consumer(self._consumer)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnects."""
        await close_consumer(self._consumer)

    async def extent(self, topic: str) -> TopicExtent:
        """What a topic holds now."""
        await require_topics(self._bootstrap_servers, {topic: Right.READ}, self._security)
        async with open_admin(self._bootstrap_servers, self._security) as admin:
            (found,) = await admin.describe_topics([topic])
            identity = await topic_id(admin, topic)
        partitions = [TopicPartition(topic, each["partition"]) for each in found["partitions"]]
        async with self._translated(), asyncio.timeout(_ANSWER_S):
            self._consumer.assign(partitions)
            first = await self._consumer.beginning_offsets(partitions)
            ends = await self._consumer.end_offsets(partitions)
        spans = {each.partition: range(first[each], max(first[each], ends[each])) for each in sorted(partitions)}
        return TopicExtent(topic, identity, spans)

    async def first_since(self, topic: str, partition: int, timestamp_ms: int) -> int | None:
        """The first offset with a record of that time or later; None where there is none."""
        where = TopicPartition(topic, partition)
        async with self._translated(), asyncio.timeout(_ANSWER_S):
            self._consumer.assign([where])
            found = (await self._consumer.offsets_for_times({where: max(timestamp_ms, 0)}))[where]
        return None if found is None else found.offset

    async def records(self, topic: str, partition: int, span: range) -> AsyncGenerator[Record, None]:
        """Every record at these offsets, in order; few of them are in memory at once."""
        if not span:
            return
        where = TopicPartition(topic, partition)
        async with self._translated():
            self._consumer.assign([where])
            self._consumer.seek(where, span.start)
            last_heard = asyncio.get_running_loop().time()
        while True:
            async with self._translated():
                batch = (await self._consumer.getmany(timeout_ms=_POLL_MS)).get(where, [])
                position = await self._consumer.position(where)
            for found in batch:
                if found.offset >= span.stop:
                    return
                yield make_record(found)
            # Holes at the end (compaction, the marks of transactions) hold no record: the position passes them.
            if position >= span.stop:
                return
            now = asyncio.get_running_loop().time()
            last_heard = now if batch else last_heard
            if now - last_heard > _SILENCE_S:
                text = f"nothing of {topic}/{partition} from offset {position} on could be read in {_SILENCE_S:g} s"
                raise FatalError(ExitCode.UNAVAILABLE, f"{text}; is a broker down? Try again")

    async def record_at(self, extent: TopicExtent, partition: int, offset: int) -> Record | None:
        """The record at a place of a topic; None where there is none (any more)."""
        if offset not in extent.partitions.get(partition, range(0)):
            return None
        async with aclosing(self.records(extent.topic, partition, range(offset, offset + 1))) as records:
            return await anext(records, None)

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (KafkaError, OSError, TimeoutError) as exc:
            cause = await explained(exc, self._bootstrap_servers, self._security)
            raise start_failure(cause, self._bootstrap_servers) from exc
