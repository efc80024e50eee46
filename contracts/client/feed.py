"""Events from a fixed moment on, read without a consumer group: every feed sees all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from contracts.client.config import ClientConfig
from contracts.client.errors import BROKER_ERRORS, ClientError, broker_error
from contracts.client.topics import partitions_of
from contracts.events import Event, NotAnEventError, OutcomeEvent, parse_event

_POLL_MS: Final = 500
_CLOSE_TIMEOUT_S: Final = 5.0
_log: Final = logging.getLogger(__name__)


class EventFeed:
    """Outcome and progress events from the moment of opening; open it before you submit, and nothing is missed."""

    def __init__(self, config: ClientConfig) -> None:
        """Connects to nothing yet."""
        self._config = config

    async def __aenter__(self) -> Self:
        """Fixes the position.

        Raises:
            ClientError: the broker does not answer or refuses; a topic is missing.
        """
        partitions = await partitions_of(self._config, (self._config.results_topic, self._config.progress_topic))
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._config.bootstrap_servers, group_id=None, enable_auto_commit=False,
            auto_offset_reset="latest", isolation_level="read_committed", metadata_max_age_ms=30_000,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                await self._consumer.start()
                self._consumer.assign(partitions)
                for partition, offset in (await self._consumer.end_offsets(partitions)).items():
                    self._consumer.seek(partition, offset)
        except BROKER_ERRORS as exc:
            await self._close()
            raise broker_error(exc, self._config.bootstrap_servers) from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connection; bounded in time."""
        await self._close()

    async def events(self) -> AsyncIterator[Event]:
        """Every event, as delivered: in order within one job's outcomes and within its progress, repeats included.

        Never ends. Records that are no events of ours are skipped with a line in the log.

        Raises:
            ClientError: the broker refuses.
        """
        while True:
            for event in await self._poll():
                yield event

    async def until_settled(self, job_ids: Iterable[str], *, timeout_s: float) -> AsyncIterator[Event]:
        """Events of these jobs, each once, until every job has its outcome; that is a job's last event here.

        Raises:
            ClientError: as `events`, or not all outcomes came within that many seconds.
        """
        waiting = set(job_ids)
        seen: set[tuple[str, str]] = set()
        deadline = asyncio.get_running_loop().time() + timeout_s
        while waiting:
            for event in await self._poll():
                job_id = event.data.job_id
                if job_id not in waiting or (event.source, event.id) in seen:
                    continue
                seen.add((event.source, event.id))
                if isinstance(event.data, OutcomeEvent):
                    waiting.discard(job_id)
                yield event
            if waiting and asyncio.get_running_loop().time() > deadline:
                raise ClientError(f"no outcome after {timeout_s:g} s for {', '.join(sorted(waiting))}; is a worker up?")

    async def _poll(self) -> list[Event]:
        try:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc
        return [event for records in batches.values() for record in records for event in _parsed(record)]

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._consumer.stop()
        except BROKER_ERRORS as exc:
            _log.debug("feed_close_failed: %s", exc)


def _parsed(record: ConsumerRecord) -> list[Event]:
    try:
        return [parse_event(record.headers, record.value)]
    except NotAnEventError as exc:
        _log.warning(
            "not_an_event: %s, partition %s, offset %s: %s", record.topic, record.partition, record.offset, exc
        )
        return []
