"""Records between the broker and the worker: what was read ahead, in order, and whether more is wanted."""

from __future__ import annotations

import asyncio
from collections import deque

from consumer.core.offsets import OffsetLedger, Receipt
from consumer.core.records import Delivery, Record


class Inbox:
    """A short queue over the ledger. It outlives any one consumer, and what is in flight outlives it with it."""

    def __init__(self, ledger: OffsetLedger, max_waiting: int) -> None:
        """Starts empty and wanting."""
        self._ledger = ledger
        self._max_waiting = max_waiting
        self._waiting: deque[Delivery] = deque()
        self.is_stopped = False
        """Whether nothing more is handed out or wanted, for good."""
        self.changed = asyncio.Event()
        """Set whenever a delivery may have come; whoever waits for one clears it."""

    @property
    def room(self) -> int:
        """How many more records are wanted; 0 once stopped."""
        return 0 if self.is_stopped else max(self._max_waiting - len(self._waiting), 0)

    def stop(self) -> None:
        """Hands nothing more out and wants nothing more."""
        self.is_stopped = True

    def put(self, record: Record) -> None:
        """Takes a record that was read; one that is open already, or not ours, is dropped."""
        if receipt := self._ledger.receive((record.topic, record.partition), record.offset):
            self._waiting.append(Delivery(record, receipt.epoch))
            self.changed.set()

    def take(self) -> Delivery | None:
        """Hands the first one out."""
        while self._waiting and not self.is_stopped:
            delivery = self._waiting.popleft()
            if self._ledger.deliver(receipt_of(delivery)):
                return delivery
        return None

    def put_back(self, delivery: Delivery) -> None:
        """Takes a delivery back, in front of all others; while it waits it holds the commit back."""
        if self._ledger.release(receipt_of(delivery)):
            self._waiting.appendleft(delivery)
            self.changed.set()

    def drop_lost(self) -> None:
        """Forgets what belongs to other members by now."""
        self._waiting = deque(delivery for delivery in self._waiting if self._ledger.waits(receipt_of(delivery)))


def receipt_of(delivery: Delivery) -> Receipt:
    """The ledger's name for a delivery."""
    record = delivery.record
    return Receipt((record.topic, record.partition), record.offset, delivery.epoch)
