"""Which offset of a partition may be committed while its records are worked on side by side.

An offset counts as open from its receipt to its settlement; a commit names the lowest open one, or the one after the
last received when none is open. Offsets have holes (transactions, compaction), so nothing is counted or expected:
only what was received can hold a commit back.

A claim is one uninterrupted ownership of a partition and has an epoch. A rebalance that leaves the partition with us
continues the claim with everything open in it; one that takes it away ends it, and what is said later about its
records is ignored, because another member has them by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Partition = tuple[str, int]
"""Topic and number."""

NONE_COMMITTED: Final = -1
"""The committed offset of a partition that has none."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One received record: its place and the epoch of the claim under which it came."""

    partition: Partition
    offset: int
    epoch: int


@dataclass(slots=True)
class _Claim:
    epoch: int
    committed: int
    first_offset: int = NONE_COMMITTED
    next_offset: int = NONE_COMMITTED
    waiting: set[int] = field(default_factory=set)
    delivered: set[int] = field(default_factory=set)

    def is_open(self, offset: int) -> bool:
        return offset in self.waiting or offset in self.delivered

    def open(self, offset: int) -> None:
        if self.first_offset == NONE_COMMITTED:
            self.first_offset = offset
        self.next_offset = max(self.next_offset, offset + 1)
        self.waiting.add(offset)

    def due(self) -> int | None:
        watermark = min(self.waiting | self.delivered, default=self.next_offset)
        return watermark if watermark > max(self.committed, self.first_offset) else None


class OffsetLedger:
    """What was received, delivered and settled of every claimed partition. Touches nothing outside itself."""

    def __init__(self) -> None:
        """Starts without any claim."""
        self._claims: dict[Partition, _Claim] = {}
        self._epoch = 0

    def assign(self, committed: Mapping[Partition, int]) -> dict[Partition, int]:
        """Takes over a whole assignment; claims on other partitions end.

        Args:
            committed: every assigned partition with the offset that the broker holds for it, or `NONE_COMMITTED`.

        Returns:
            Where to read on in each partition whose claim continues: past what was received, and past what
            another member committed in between. The others are read from their committed offset.
        """
        self._claims = {partition: self._claim(partition, offset) for partition, offset in committed.items()}
        return {
            partition: max(claim.next_offset, claim.committed)
            for partition, claim in self._claims.items()
            if claim.next_offset != NONE_COMMITTED
        }

    def _claim(self, partition: Partition, committed: int) -> _Claim:
        claim = self._claims.get(partition)
        # An offset that went back was moved by a person, or the topic was made anew: old work says nothing there.
        if claim is not None and committed >= claim.committed:
            claim.committed = committed
            return claim
        self._epoch += 1
        return _Claim(self._epoch, committed)

    def receive(self, partition: Partition, offset: int) -> Receipt | None:
        """Opens an offset; None when it is open already or the partition is not claimed: drop that record."""
        claim = self._claims.get(partition)
        if claim is None or claim.is_open(offset):
            return None
        claim.open(offset)
        return Receipt(partition, offset, claim.epoch)

    def waits(self, receipt: Receipt) -> bool:
        """Whether the record was received under the current claim and is not handed out."""
        claim = self._current(receipt)
        return claim is not None and receipt.offset in claim.waiting

    def holds(self, receipt: Receipt) -> bool:
        """Whether the record was handed out under the current claim and is neither settled nor released."""
        claim = self._current(receipt)
        return claim is not None and receipt.offset in claim.delivered

    def deliver(self, receipt: Receipt) -> bool:
        """Hands a waiting record out; False when it is not ours to hand out any more."""
        if not self.waits(receipt):
            return False
        claim = self._claims[receipt.partition]
        claim.waiting.remove(receipt.offset)
        claim.delivered.add(receipt.offset)
        return True

    def settle(self, receipt: Receipt) -> bool:
        """Closes a delivered offset; False, and nothing changes, when it is not delivered under this claim."""
        if not self.holds(receipt):
            return False
        self._claims[receipt.partition].delivered.remove(receipt.offset)
        return True

    def release(self, receipt: Receipt) -> bool:
        """Makes a delivered record wait again; False when it is not delivered under this claim."""
        if not self.settle(receipt):
            return False
        self._claims[receipt.partition].waiting.add(receipt.offset)
        return True

    def due(self) -> dict[Partition, int]:
        """The commits to make now; each is higher than what the broker is known to hold."""
        offsets = ((partition, claim.due()) for partition, claim in self._claims.items())
        return {partition: offset for partition, offset in offsets if offset is not None}

    def confirm(self, offsets: Mapping[Partition, int]) -> None:
        """Notes what the broker confirmed; what is no longer claimed is passed over."""
        for partition, offset in offsets.items():
            if claim := self._claims.get(partition):
                claim.committed = max(claim.committed, offset)

    def _current(self, receipt: Receipt) -> _Claim | None:
        claim = self._claims.get(receipt.partition)
        return claim if claim is not None and claim.epoch == receipt.epoch else None
