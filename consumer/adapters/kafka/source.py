"""Deliveries from one Kafka topic: a group member that keeps its membership however long jobs run.

Three parties share the ledger, all on one event loop. The poll task polls always, also while everything is paused:
that is what keeps membership. The claim does whatever needs the group's coordinator: commits, and finding out where
a new assignment begins. The worker's calls change the ledger at once and wake them, so that neither waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from consumer.adapters.kafka.claim import Claim
from consumer.adapters.kafka.consumer import SourceConfig, close_consumer, make_consumer, make_record
from consumer.adapters.kafka.errors import running_failure, start_failure
from consumer.adapters.kafka.topics import require_topics
from consumer.core.failures import FatalError
from consumer.core.offsets import OffsetLedger, Receipt
from consumer.ports import Delivery

__all__ = ["KafkaSource", "SourceConfig"]

log = structlog.get_logger(__name__)

_POLL_MS: Final = 1000
_FRESH_S: Final = 5.0
_RETRY_S: Final = 0.5
_START_S: Final = 90.0
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
        self._is_stopped = False
        self._last_poll_s = 0.0
        self._failure: FatalError | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._polling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Checks that the topic is there, joins the group and begins to poll.

        Raises:
            FatalError: the topic is missing, the broker does not answer or refuses us.
        """
        await require_topics(self._config.bootstrap_servers, [self._config.topic])
        self._consumer = make_consumer(self._config)
        self._claim = Claim(self._consumer, self._ledger, self._placed)
        self._consumer.subscribe([self._config.topic], listener=self._claim)
        self._run(self._claim.keep())
        try:
            await asyncio.wait_for(self._consumer.start(), _START_S)
        except (KafkaError, OSError, TimeoutError) as exc:
            await self._close()
            raise start_failure(exc, self._config.bootstrap_servers) from exc
        except BaseException:
            await self._close()
            raise
        self._last_poll_s = time.monotonic()
        self._polling = self._run(self._poll())
        self._run(self._claim.ask())
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
        """Whether the group is joined, the last poll is fresh and the broker answers."""
        is_fresh = time.monotonic() - self._last_poll_s < _FRESH_S
        return self._claim.is_placed and self._claim.is_answered and is_fresh and self._failure is None

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
            self._claim.wake()

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
        """Has what was settled committed, and waits for the attempt."""
        await self._claim.flush()

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
        if not self._claim.is_placed:
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
        if self._claim.is_placed and not self._is_stopped and self._room() > 0:
            self._consumer.resume(*paused)
        else:
            self._consumer.pause(*(self._consumer.assignment() - paused))

    def _placed(self) -> None:
        """Drops what is not ours any more, and reads on."""
        self._buffer = deque(delivery for delivery in self._buffer if self._ledger.waits(_receipt(delivery)))
        self._steer()

    # Ends.

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failure = running_failure(error)
        self._failure.__cause__ = error
        self._arrived.set()
        self._claim.give_up()

    async def _close(self) -> None:
        for task in self._tasks:
            if task is not self._polling:
                task.cancel()
        self._claim.give_up()
        await close_consumer(self._consumer)
        if self._polling:
            await asyncio.wait({self._polling}, timeout=_POLL_END_S)
            self._polling.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _receipt(delivery: Delivery) -> Receipt:
    record = delivery.record
    return Receipt((record.topic, record.partition), record.offset, delivery.epoch)
