"""Deliveries from requests and retry topics: a group member that keeps its membership however long jobs run.

A member may fail for good or stand still without a word; then another one takes its place over the same ledger, so
that work in flight stays in flight wherever its partition comes back to us.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import structlog
from aiokafka.errors import KafkaError

from consumer.adapters.kafka.closing import end_tasks
from consumer.adapters.kafka.consumer import SourceConfig
from consumer.adapters.kafka.errors import is_defect, running_failure, start_failure
from consumer.adapters.kafka.inbox import Inbox, receipt_of
from consumer.adapters.kafka.member import Member
from consumer.adapters.kafka.records import place_of
from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.topics import require_topics
from consumer.core.failures import FatalError
from consumer.core.ladder import left_behind
from consumer.core.offsets import OffsetLedger
from consumer.core.pauses import pause_s
from consumer.core.records import Delivery
from contracts.broker.knock import explained

__all__ = ["KafkaSource", "SourceConfig"]

log = structlog.get_logger(__name__)

_FLUSH_S: Final = 5.0
"""A commit takes milliseconds; while no broker answers, aiokafka would try for ever."""
_DEFECTS_MAX: Final = 5
"""Members in a row that ended by a defect: of the client or ours, and no new one will cure it."""


class KafkaSource:
    """Implements `consumer.ports.Source` with aiokafka. Lives on the loop that opened it."""

    def __init__(self, config: SourceConfig) -> None:
        """Does nothing yet; open it as a context manager."""
        self._config = config
        self._ledger = OffsetLedger()
        self._inbox = Inbox(self._ledger, config.max_buffered)
        self._failure: FatalError | None = None
        self._member: Member | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self.rebuilds = 0
        """Members that were replaced."""

    async def __aenter__(self) -> Self:
        """Checks that the topics are there, joins the group and begins to poll.

        Raises:
            FatalError: a topic is missing, the broker does not answer or refuses us.
        """
        config = self._config
        names = await self._require(config.topics)
        left = await self._left_behind(names)
        self._config = replace(config, delays_ms={**config.delays_ms, **left})
        try:
            self._member = await self._join()
        except (KafkaError, OSError, TimeoutError) as exc:
            raise start_failure(exc, self._config.bootstrap_servers) from exc
        self._keeping = asyncio.create_task(self._keep(self._member))
        self._keeping.add_done_callback(self._note_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commits, leaves the group and closes; each step is bounded."""
        self.stop_intake()
        await self.flush()
        if self._keeping:
            await end_tasks([self._keeping])
        if self._closing:  # being replaced, it was about to leave
            await self._closing
        if self._member:
            await self._member.close()

    @property
    def is_ready(self) -> bool:
        """Whether the group is joined, the last poll is fresh and the broker answers."""
        return self._member is not None and self._member.is_ready and self._failure is None

    async def receive(self) -> Delivery:
        """Waits for the next delivery; nothing is taken before it returns, so cancelling loses nothing.

        Raises:
            FatalError: the client failed for good.
        """
        while True:
            if self._failure:
                raise self._failure
            if delivery := self._inbox.take():
                self._steer()
                return delivery
            self._inbox.changed.clear()
            await self._inbox.changed.wait()

    def holds(self, delivery: Delivery) -> bool:
        """As the port says."""
        return self._ledger.holds(receipt_of(delivery))

    def settle(self, delivery: Delivery) -> None:
        """Closes the delivery and has the commit made."""
        if self._ledger.settle(receipt_of(delivery)) and self._member:
            self._member.commit_soon()

    def release(self, delivery: Delivery) -> None:
        """Puts the delivery back in front; while it waits it holds the commit back."""
        self._inbox.put_back(delivery)
        self._steer()

    def stop_intake(self) -> None:
        """Pauses every partition; polling goes on."""
        self._inbox.stop()
        self._steer()

    async def flush(self) -> None:
        """Has what was settled committed, and waits for the attempt; bounded in time."""
        if self._member:
            try:
                async with asyncio.timeout(_FLUSH_S):
                    await self._member.flush()
            except TimeoutError:
                log.warning("commit_not_confirmed", waited_s=_FLUSH_S)

    def _steer(self) -> None:
        if self._member:
            self._member.steer()

    async def _require(self, topics: Iterable[str]) -> frozenset[str]:
        config = self._config
        return await require_topics(config.bootstrap_servers, dict.fromkeys(topics, Right.READ), config.security)

    async def _left_behind(self, names: Iterable[str]) -> dict[str, int]:
        """Retry topics of earlier settings, unless we may not read them."""
        left = left_behind(names, self._config.topic, self._config.topics)
        try:
            if left:
                await self._require(left)
                log.info("retry_topics_left_behind", topics=sorted(left))
        except FatalError as exc:
            log.warning("retry_topics_not_read", topics=sorted(left), error=exc.message)
            return {}
        return left

    # One member after another.

    async def _join(self) -> Member:
        try:
            member = Member(self._config, self._inbox, self._ledger)
            await member.open()
        except (KafkaError, OSError, TimeoutError) as exc:
            raise await explained(exc, self._config.bootstrap_servers, self._config.security) from exc
        return member

    async def _keep(self, member: Member) -> None:
        """Replaces a member that cannot go on, until that cannot help."""
        defects = 0
        while True:
            error = await member.ended()
            defects = defects + 1 if is_defect(error) else 0
            if place_of(error) or defects == _DEFECTS_MAX:
                raise error
            self.rebuilds += 1
            log.warning("consumer_rebuilt", error=f"{type(error).__name__}: {error}")
            self._member = None
            self._closing = asyncio.create_task(member.close())
            await asyncio.shield(self._closing)
            self._member = member = await self._rejoin()

    async def _rejoin(self) -> Member:
        failures = 0
        while True:
            try:
                return await self._join()
            except (KafkaError, OSError, TimeoutError) as exc:
                failures += 1
                wait_s = round(pause_s(failures, random.random()), 3)
                log.warning("rejoin_failed", error=f"{type(exc).__name__}: {exc}", wait_s=wait_s)
                await asyncio.sleep(wait_s)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failure = running_failure(error)
        self._failure.__cause__ = error
        self._inbox.changed.set()
