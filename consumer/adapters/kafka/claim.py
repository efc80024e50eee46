"""What of the topic is ours now, and how far the broker knows it as done.

Every rebalance forgets our positions and pauses, even for partitions that stay with us. So a new assignment is held
still until it is known where each of its partitions goes on; only then it is placed, and only then commits are made.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from consumer.adapters.kafka.errors import LOST_CLAIMS
from consumer.core.offsets import NONE_COMMITTED, OffsetLedger

log = structlog.get_logger(__name__)

_RETRY_S: Final = 0.5
_REVOKE_COMMIT_S: Final = 2.0


class Claim(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Places assignments and commits what is due, whenever it is woken. Its methods belong on the consumer's loop."""

    def __init__(self, consumer: AIOKafkaConsumer, ledger: OffsetLedger, on_placed: Callable[[], None]) -> None:
        """Does nothing until `keep` runs; `on_placed` is called each time an assignment is ready to be read."""
        self._consumer = consumer
        self._ledger = ledger
        self._on_placed = on_placed
        self._wake = asyncio.Event()
        self._flushing: list[asyncio.Future[None]] = []
        self._to_place: frozenset[TopicPartition] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._is_over = False
        self.is_placed = False
        """Whether positions are right and offsets may be committed."""

    def wake(self) -> None:
        """Has what is due committed soon."""
        self._wake.set()

    async def flush(self) -> None:
        """Has what is due committed, and waits for the attempt; returns at once when nothing can be done any more."""
        if self._is_over:
            return
        done = asyncio.get_running_loop().create_future()
        self._flushing.append(done)
        self._wake.set()
        await done

    def give_up(self) -> None:
        """Nobody keeps the claim any more: whoever waits for a flush goes on."""
        self._is_over = True
        _finish(self._flushing)

    async def keep(self) -> None:
        """Does whatever needs the group's coordinator, until cancelled.

        Raises:
            KafkaError: for good.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._flushing = self._flushing, []
            try:
                await self._place()
                await self._commit()
            except LOST_CLAIMS as exc:
                log.info("commit_lost", error=type(exc).__name__)
            except KafkaError as exc:
                if not exc.retriable:
                    raise
                log.warning("commit_failed", error=type(exc).__name__)
                asyncio.get_running_loop().call_later(_RETRY_S, self._wake.set)
            finally:
                _finish(waiting)

    # aiokafka's calls. What they raise is swallowed there.

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  # aiokafka's call
        """Commits what was settled while the old assignment still may, then stops committing for it.

        A commit that is being repeated would go out under the next generation and could move a partition back
        that is somebody else's by then.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REVOKE_COMMIT_S):
                await self.flush()
        self.is_placed = False
        self._to_place = None
        if self._committing:
            self._committing.cancel()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Holds the new assignment still."""
        self.is_placed = False
        self._to_place = frozenset(assigned)
        self._consumer.pause(*self._to_place)
        self._wake.set()

    async def _place(self) -> None:
        if (assigned := self._to_place) is None:
            return
        offsets = await asyncio.gather(*map(self._consumer.committed, assigned))
        if self._to_place is not assigned:
            # Another rebalance came in between.
            return
        self._to_place = None
        committed = {
            (partition.topic, partition.partition): NONE_COMMITTED if offset is None else offset
            for partition, offset in zip(assigned, offsets, strict=True)
        }
        for (topic, number), offset in self._ledger.assign(committed).items():
            self._consumer.seek(TopicPartition(topic, number), offset)
        self.is_placed = True
        self._on_placed()

    async def _commit(self) -> None:
        due = self._ledger.due()
        if not due or not self.is_placed:
            return
        offsets = {TopicPartition(topic, number): offset for (topic, number), offset in due.items()}
        self._committing = asyncio.create_task(self._consumer.commit(offsets))
        try:
            await asyncio.wait({self._committing})
            if not self._committing.cancelled():
                self._committing.result()
                self._ledger.confirm(due)
        finally:
            self._committing.cancel()
            self._committing = None


def _finish(waiting: Iterable[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)
