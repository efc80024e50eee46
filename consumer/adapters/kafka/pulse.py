"""Whether the broker answers, and whether it has records for us that we do not read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumer.core.offsets import NONE_COMMITTED, Partition

log = structlog.get_logger(__name__)

_LATE_LOOKS: Final = 2.4
"""Two questions may be late before the broker counts as away."""
_POSITION_S: Final = 1.0


class Pulse:
    """Asks the broker something small every few seconds.

    An empty poll tells nothing: it looks the same whether there is no work, no broker or no reader left.
    """

    def __init__(self, consumer: AIOKafkaConsumer, every_s: float, is_idle: Callable[[], bool]) -> None:
        """Does nothing until `beat` runs.

        Args:
            consumer: in the group.
            every_s: the pause between two questions, in seconds.
            is_idle: whether the last poll had room and brought nothing; else records may be here and not be wanted.
        """
        self._consumer = consumer
        self._every_s = every_s
        self._is_idle = is_idle
        self._answered_s = 0.0
        self.answers = 0
        """Rounds of questions that were answered so far."""
        self.behind: Mapping[Partition, int] = {}
        """Position of each partition that had records ahead of it and brought none, at the last answer."""

    @property
    def is_fresh(self) -> bool:
        """Whether the broker answered a moment ago."""
        return time.monotonic() - self._answered_s < _LATE_LOOKS * self._every_s

    async def beat(self) -> None:
        """Asks until cancelled.

        A question that stays open is left open, because cancelling it would end the connection's other requests too;
        there is one at most.
        """
        while True:
            try:
                await self._ask_coordinator()
                self._answered_s = time.monotonic()
                self.behind = await self._ask_leaders()
                self.answers += 1
            except KafkaError as exc:
                log.warning("broker_question_failed", error=type(exc).__name__)
            await asyncio.sleep(self._every_s)

    async def _ask_coordinator(self) -> None:
        # A member may have no partition; about one of its topics it can always ask.
        await self._consumer.committed(TopicPartition(min(self._consumer.subscription()), 0))

    async def _ask_leaders(self) -> Mapping[Partition, int]:
        reading = self._consumer.assignment() - self._consumer.paused()
        if not reading or not self._is_idle():
            return {}
        ends = await self._consumer.end_offsets(reading)
        positions = {partition: await self._position(partition) for partition in reading}
        return {
            (partition.topic, partition.partition): position
            for partition, position in positions.items()
            if position < ends[partition]
        }

    async def _position(self, partition: TopicPartition) -> int:
        # Without a valid one aiokafka waits for it, for ever if need be; that wait can be ended.
        try:
            async with asyncio.timeout(_POSITION_S):
                return int(await self._consumer.position(partition))
        except TimeoutError:
            return NONE_COMMITTED
