"""Partitions of retry topics whose next record is not due yet: each is paused by itself until it is.

A topic has one delay, so what stands behind such a record is not due either, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition

from consumer.core.ladder import wait_ms
from consumer.core.records import Record

_GRAIN_S: Final = 0.001
"""A timer may ring so much early, and a record that then is not due costs another fetch."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The record that a partition waits for."""

    offset: int
    seen_s: float
    """When it came for the first time, by the loop's clock."""


class Waits:
    """Knows who waits until when. Its methods belong on the consumer's loop."""

    def __init__(
        self, delays_ms: Mapping[str, int], on_due: Callable[[], None], *, clock: Callable[[], float] = time.time
    ) -> None:
        """Nobody waits yet.

        Args:
            delays_ms: by topic; partitions of other topics never wait.
            on_due: called when a partition may be read again.
            clock: seconds since 1970.
        """
        self._delays_ms = delays_ms
        self._on_due = on_due
        self._clock = clock
        self._heads: dict[TopicPartition, _Head] = {}
        self._timers: dict[TopicPartition, asyncio.TimerHandle] = {}

    @property
    def partitions(self) -> frozenset[TopicPartition]:
        """Those that wait now."""
        return frozenset(self._timers)

    def holds(self, record: Record) -> bool:
        """Whether a record that was read has to wait; if so, its partition does from now on."""
        delay_ms = self._delays_ms.get(record.topic)
        if delay_ms is None:
            return False
        partition = TopicPartition(record.topic, record.partition)
        loop = asyncio.get_running_loop()
        head = self._heads.get(partition)
        if head is None or head.offset != record.offset:
            head = _Head(record.offset, loop.time())
        seen_for_ms = (loop.time() - head.seen_s) * 1000
        left_ms = wait_ms(record, delay_ms, now_ms=self._clock() * 1000, seen_for_ms=seen_for_ms)
        if left_ms <= 0:
            self._heads.pop(partition, None)
            return False
        self._heads[partition] = head
        self._timers[partition] = loop.call_later(left_ms / 1000 + _GRAIN_S, self._ring, partition)
        return True

    def forget(self) -> None:
        """Nobody waits any more: after a rebalance positions are new, and who has to wait is found out anew."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._heads.clear()

    def _ring(self, partition: TopicPartition) -> None:
        del self._timers[partition]
        self._on_due()
