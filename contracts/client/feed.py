"""Events from a fixed moment on, read without a consumer group: every feed sees all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.broker.link import link_options
from contracts.client.config import ClientConfig
from contracts.client.errors import BROKER_ERRORS, WaitTimeoutError, broker_error
from contracts.client.topics import partitions_of
from contracts.events import Event, NotAnEventError, OutcomeEvent, parse_event

_POLL_MS: Final = 500
_CLOSE_TIMEOUT_S: Final = 5.0
_log: Final = logging.getLogger(__name__)


class EventFeed:
    """Outcome and progress events from the moment of opening; open it before you submit, and nothing is missed."""

    def __init__(self, config: ClientConfig, *, topics: Sequence[str] | None = None) -> None:
        """Connects to nothing yet.

        Args:
            config: where the broker is.
            topics: which ones to read; None reads outcomes and progress.
        """
        self._config = config
        self._topics = (config.results_topic, config.progress_topic) if topics is None else tuple(topics)

    async def __aenter__(self) -> Self:
        """Fixes the position.

        Raises:
            ClientError: the broker does not answer or refuses; a topic is missing.
        """
        partitions = await partitions_of(self._config, self._topics)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._config.bootstrap_servers, group_id=None, enable_auto_commit=False,
            auto_offset_reset="latest", isolation_level="read_committed", metadata_max_age_ms=30_000,
            **link_options(self._config.security),
        )  # fmt: skip
        try:
            await self._start(partitions)
        except BaseException:  # cancelled, too: who was not let in is not asked to leave
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connection; bounded in time."""
        await self._close()

    async def _start(self, partitions: Sequence[TopicPartition]) -> None:
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                await self._consumer.start()
                self._consumer.assign(partitions)
                self._ends = await self._consumer.end_offsets(partitions)
                for partition, offset in self._ends.items():
                    self._consumer.seek(partition, offset)
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc

    async def rewind(self, since: datetime) -> None:
        """Goes back to what the broker has had since then; never forward. What was read comes again.

        The demo's broker cannot look up times: there it stays where it is.

        Raises:
            ClientError: the broker does not answer or refuses.
        """
        milliseconds = max(int(since.timestamp() * 1000), 0)
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                partitions = self._consumer.assignment()
                self._ends = await self._consumer.end_offsets(partitions)
                found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
                for partition, at in found.items():
                    if at is not None and at.offset < await self._consumer.position(partition):
                        self._consumer.seek(partition, at.offset)
        except BROKER_ERRORS as exc:
            raise broker_error(exc, self._config.bootstrap_servers) from exc

    async def is_caught_up(self) -> bool:
        """Whether all was read that the broker had when the position was fixed: at opening, or by the last rewind."""
        positions = [(await self._consumer.position(partition), end) for partition, end in self._ends.items()]
        return all(position >= end for position, end in positions)

    async def events(self) -> AsyncIterator[Event]:
        """Every event, as delivered: in order within one job's outcomes and within its progress, repeats included.

        Never ends. Records that are no events of ours are skipped with a line in the log.

        Raises:
            ClientError: the broker refuses.
        """
        while True:
            for event in await self.poll():
                yield event

    async def outcomes(self) -> AsyncGenerator[Event[OutcomeEvent], None]:
        """Of `events`, those that end a job; raises as it does."""
        while True:
            for event in await self.poll():
                if isinstance(event.data, OutcomeEvent):
                    yield cast("Event[OutcomeEvent]", event)

    async def until_settled(
        self, job_ids: Iterable[str], *, tenant: str | None = None, timeout_s: float
    ) -> AsyncIterator[Event]:
        """Events of these jobs of one tenant, each once, until every job has its outcome, its last event here.

        Raises:
            ClientError: as `events`, or not all outcomes came within that many seconds.
        """
        waiting = set(job_ids)
        seen: set[tuple[str, str]] = set()
        deadline = asyncio.get_running_loop().time() + timeout_s
        while waiting:
            for event in await self.poll():
                job_id = event.data.job_id
                is_ours = event.data.tenant == tenant or event.data.input is None
                if job_id not in waiting or not is_ours or (event.source, event.id) in seen:
                    continue
                seen.add((event.source, event.id))
                if isinstance(event.data, OutcomeEvent):
                    waiting.discard(job_id)
                yield event
            if waiting and asyncio.get_running_loop().time() > deadline:
                raise WaitTimeoutError(sorted(waiting), timeout_s)

    async def poll(self) -> list[Event]:
        """What has come, after half a second at most; nothing may have.

        Raises:
            ClientError: the broker refuses.
        """
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
