"""The source port in memory."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from consumer.core.failures import ExitCode, FatalError
from consumer.core.ladder import wait_ms
from consumer.core.offsets import OffsetLedger, Partition, Receipt
from consumer.ports import Delivery, Record
from tests.fakes.broker import FakeBroker


class FakeSource:
    """A member of a group of a `FakeBroker`; commits at once. Passes the conformance suite of the port."""

    def __init__(
        self,
        broker: FakeBroker,
        topic: str,
        *,
        group_id: str = "group",
        delays_ms: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._broker = broker
        self._delays_ms = delays_ms or {}
        self._topics = (topic, *self._delays_ms)
        self._clock = clock
        self._seen: dict[tuple[Partition, int], float] = {}
        self._group_id = group_id
        self._ledger = OffsetLedger()
        self._positions: dict[Partition, int] = {}
        self._released: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._is_open = False
        self._is_stopped = False
        self.failure: FatalError | None = None
        """Set it, and `fail`, to end the source as a broken client would."""

    async def __aenter__(self) -> Self:
        for topic in self._topics:
            if not self._broker.has_topic(topic):
                raise FatalError(ExitCode.TOPICS_MISSING, f"{topic} is missing")
        self._broker.join(self._group_id, self._topics, self)
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        self._broker.leave(self._group_id, self._topics, self)

    @property
    def is_ready(self) -> bool:
        return self._is_open and self.failure is None

    def fail(self, failure: FatalError) -> None:
        """Ends the source for good."""
        self.failure = failure
        self._arrived.set()

    async def receive(self) -> Delivery:
        while True:
            if self.failure:
                raise self.failure
            if not self._is_stopped and (delivery := self._next()):
                return delivery
            self._arrived.clear()
            await self._arrived.wait()

    def holds(self, delivery: Delivery) -> bool:
        return self._ledger.holds(_receipt(delivery))

    def settle(self, delivery: Delivery) -> None:
        if self._ledger.settle(_receipt(delivery)):
            due = self._ledger.due()
            self._broker.commit(self._group_id, due)
            self._ledger.confirm(due)

    def release(self, delivery: Delivery) -> None:
        if self._ledger.release(_receipt(delivery)):
            self._released.append(delivery)
            self._arrived.set()

    def stop_intake(self) -> None:
        self._is_stopped = True

    async def flush(self) -> None:
        await asyncio.sleep(0)

    def on_assigned(self, committed: dict[Partition, int]) -> None:
        kept = self._ledger.assign(committed)
        self._seen.clear()
        self._positions = {partition: kept.get(partition, max(0, offset)) for partition, offset in committed.items()}
        self._arrived.set()

    def on_records(self) -> None:
        self._arrived.set()

    def _has_to_wait(self, record: Record) -> bool:
        """Whether it is not due yet; then the source looks again once it is."""
        delay_ms = self._delays_ms.get(record.topic)
        if delay_ms is None:
            return False
        loop = asyncio.get_running_loop()
        seen_s = self._seen.setdefault(((record.topic, record.partition), record.offset), loop.time())
        seen_for_ms = (loop.time() - seen_s) * 1000
        left_ms = wait_ms(record, delay_ms, now_ms=self._clock() * 1000, seen_for_ms=seen_for_ms)
        if left_ms > 0:
            loop.call_later(left_ms / 1000, self._arrived.set)
        return left_ms > 0

    def _next(self) -> Delivery | None:
        while self._released:
            delivery = self._released.popleft()
            if self._ledger.deliver(_receipt(delivery)):
                return delivery
        for partition, position in tuple(self._positions.items()):
            record = self._broker.read(partition, position)
            if record and not self._has_to_wait(record):
                del self._positions[partition]  # the others have their turn first
                self._positions[partition] = position + 1
                receipt = self._ledger.receive(partition, record.offset)
                if receipt and self._ledger.deliver(receipt):
                    return Delivery(record, receipt.epoch)
        return None


def _receipt(delivery: Delivery) -> Receipt:
    record = delivery.record
    return Receipt((record.topic, record.partition), record.offset, delivery.epoch)
