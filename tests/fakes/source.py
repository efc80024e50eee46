"""The source port in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from consumer.core.failures import ExitCode, FatalError
from consumer.core.offsets import OffsetLedger, Partition, Receipt
from consumer.ports import Delivery
from tests.fakes.broker import FakeBroker


class FakeSource:
    """A member of a group of a `FakeBroker`; commits at once. Passes the conformance suite of the port."""

    def __init__(self, broker: FakeBroker, topic: str, *, group_id: str = "group") -> None:
        self._broker = broker
        self._topic = topic
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
        if not self._broker.has_topic(self._topic):
            raise FatalError(ExitCode.TOPICS_MISSING, f"{self._topic} is missing")
        self._broker.join(self._group_id, self._topic, self)
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        self._broker.leave(self._group_id, self._topic, self)

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
        self._positions = {partition: kept.get(partition, max(0, offset)) for partition, offset in committed.items()}
        self._arrived.set()

    def on_records(self) -> None:
        self._arrived.set()

    def _next(self) -> Delivery | None:
        while self._released:
            delivery = self._released.popleft()
            if self._ledger.deliver(_receipt(delivery)):
                return delivery
        for partition, position in self._positions.items():
            if record := self._broker.read(partition, position):
                self._positions[partition] += 1
                receipt = self._ledger.receive(partition, record.offset)
                if receipt and self._ledger.deliver(receipt):
                    return Delivery(record, receipt.epoch)
        return None


def _receipt(delivery: Delivery) -> Receipt:
    record = delivery.record
    return Receipt((record.topic, record.partition), record.offset, delivery.epoch)
