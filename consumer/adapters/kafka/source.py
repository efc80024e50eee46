"""Deliveries from one Kafka topic: a group member that keeps its membership however long jobs run.

Three parties share the state, all on one event loop. The poll task polls always, also while everything is paused:
that is what keeps membership. The keeper task does whatever needs the group's coordinator: commits, and finding out
where a new assignment begins. Both are woken, so that neither waits for the other. The worker's calls change the
ledger at once and wake them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Final, Self

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from consumer.adapters.kafka.consumer import SourceConfig, close_consumer, make_consumer, make_record
from consumer.adapters.kafka.errors import LOST_CLAIMS, running_failure, start_failure
from consumer.adapters.kafka.topics import require_topics
from consumer.core.failures import FatalError
from consumer.core.offsets import NONE_COMMITTED, OffsetLedger, Receipt
from consumer.ports import Delivery

__all__ = ["KafkaSource", "SourceConfig"]

log = structlog.get_logger(__name__)

_POLL_MS: Final = 1000
_FRESH_S: Final = 5.0
_RETRY_S: Final = 0.5
_START_S: Final = 90.0
_REVOKE_COMMIT_S: Final = 2.0
_CLOSE_COMMIT_S: Final = 5.0
_POLL_END_S: Final = 10.0


class KafkaSource:
    """Implements `consumer.ports.Source` with aiokafka. Lives on the loop that opened it."""

    def __init__(self, config: SourceConfig) -> None:
        """Does nothing yet; open it as a context manager."""
        self._config = config
        self._ledger = OffsetLedger()
        self._buffer: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._wake = asyncio.Event()
        self._flushing: list[asyncio.Future[None]] = []
        self._to_place: frozenset[TopicPartition] | None = None
        self._is_placed = False
        self._is_stopped = False
        self._last_poll_s = 0.0
        self._failure: FatalError | None = None
        self._committing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Checks that the topic is there, joins the group and begins to poll.

        Raises:
            FatalError: the topic is missing, the broker does not answer or refuses us.
        """
        await require_topics(self._config.bootstrap_servers, [self._config.topic])
        self._consumer = make_consumer(self._config)
        self._consumer.subscribe([self._config.topic], listener=_Listener(self))
        self._run(self._keep())
        try:
            await asyncio.wait_for(self._consumer.start(), _START_S)
        except (KafkaError, OSError, TimeoutError) as exc:
            await self._close()
            raise start_failure(exc, self._config.bootstrap_servers) from exc
        except BaseException:
            await self._close()
            raise
        self._last_poll_s = time.monotonic()
        self._run(self._poll())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commits, leaves the group and closes; each step is bounded."""
        self.stop_intake()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), _CLOSE_COMMIT_S)
        await self._close()

    @property
    def is_ready(self) -> bool:
        """Whether the group is joined and the last poll is fresh."""
        is_fresh = time.monotonic() - self._last_poll_s < _FRESH_S
        return self._is_placed and is_fresh and self._failure is None

    async def receive(self) -> Delivery:
        """Waits for the next delivery; nothing is taken before it returns, so cancelling loses nothing.

        Raises:
            FatalError: the client failed for good.
        """
        while True:
            if self._failure:
                raise self._failure
            if not self._is_stopped and (delivery := self._take()):
                return delivery
            self._arrived.clear()
            await self._arrived.wait()

    def settle(self, delivery: Delivery) -> None:
        """Closes the delivery and has the commit made."""
        if self._ledger.settle(_receipt(delivery)):
            self._wake.set()

    def release(self, delivery: Delivery) -> None:
        """Puts the delivery back in front; while it waits it holds the commit back."""
        if self._ledger.release(_receipt(delivery)):
            self._buffer.appendleft(delivery)
            self._arrived.set()
            self._steer()

    def stop_intake(self) -> None:
        """Pauses every partition; polling goes on."""
        self._is_stopped = True
        self._steer()

    async def flush(self) -> None:
        """Has the keeper come round once, and waits for it; returns at once when there is none any more."""
        if self._failure:
            return
        done = asyncio.get_running_loop().create_future()
        self._flushing.append(done)
        self._wake.set()
        await done

    def _take(self) -> Delivery | None:
        while self._buffer:
            delivery = self._buffer.popleft()
            if self._ledger.deliver(_receipt(delivery)):
                self._steer()
                return delivery
        return None

    # Polling and demand.

    async def _poll(self) -> None:
        # Never cancelled and never under wait_for: that would switch aiokafka's poll watchdog off for good.
        while True:
            try:
                batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=max(1, self._room()))
            except ConsumerStoppedError:
                return
            except KafkaError as exc:
                if not exc.retriable:
                    raise
                log.warning("poll_failed", error=type(exc).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            self._last_poll_s = time.monotonic()
            for partition, records in batches.items():
                self._accept(partition, records)

    def _accept(self, partition: TopicPartition, records: list[ConsumerRecord]) -> None:
        if not self._is_placed:
            # Fetched before we could pause. The ledger does not know the partition yet; fetch them again later.
            self._consumer.seek(partition, records[0].offset)
            return
        for record in records:
            if receipt := self._ledger.receive((record.topic, record.partition), record.offset):
                self._buffer.append(Delivery(make_record(record), receipt.epoch))
        self._arrived.set()
        self._steer()

    def _room(self) -> int:
        return self._config.max_buffered - len(self._buffer)

    def _steer(self) -> None:
        """Pauses or resumes; takes effect on the poll in progress, which returns as soon as there is something."""
        paused = self._consumer.paused()
        if self._is_placed and not self._is_stopped and self._room() > 0:
            self._consumer.resume(*paused)
        else:
            self._consumer.pause(*(self._consumer.assignment() - paused))

    # Rebalances. Our positions and pauses are forgotten by each one, even for partitions that stay with us.

    async def before_rebalance(self) -> None:
        """Commits what was settled while the old assignment still may, then stops committing for it.

        A commit that is being repeated would go out under the next generation and could move a partition back
        that is somebody else's by then.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), _REVOKE_COMMIT_S)
        self._is_placed = False
        self._to_place = None
        if self._committing:
            self._committing.cancel()

    def after_rebalance(self, assigned: Iterable[TopicPartition]) -> None:
        """Holds the new assignment still until it is known where each partition goes on."""
        self._is_placed = False
        self._to_place = frozenset(assigned)
        self._consumer.pause(*self._to_place)
        self._wake.set()

    async def _keep(self) -> None:
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
        self._buffer = deque(delivery for delivery in self._buffer if self._ledger.waits(_receipt(delivery)))
        self._is_placed = True
        self._steer()

    async def _commit(self) -> None:
        due = self._ledger.due()
        if not due or not self._is_placed:
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

    # Ends.

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failure = running_failure(error)
        self._failure.__cause__ = error
        self._arrived.set()
        _finish(self._flushing)

    async def _close(self) -> None:
        keeper, *poll = self._tasks
        keeper.cancel()
        _finish(self._flushing)
        await close_consumer(self._consumer)
        if poll:
            await asyncio.wait(poll, timeout=_POLL_END_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Passes rebalances on. Whatever it raises is swallowed by aiokafka."""

    def __init__(self, source: KafkaSource) -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  # aiokafka's call
        await self._source.before_rebalance()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._source.after_rebalance(assigned)


def _finish(waiting: Iterable[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


def _receipt(delivery: Delivery) -> Receipt:
    record = delivery.record
    return Receipt((record.topic, record.partition), record.offset, delivery.epoch)
