"""The ledger against a broker and a rival member, in any order of events."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.core.offsets import NONE_COMMITTED, OffsetLedger, Partition, Receipt

P: Partition = ("requests", 0)


class OneMember(RuleBasedStateMachine):
    """One partition whose log has holes; the model knows which records' effects are durable."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = OffsetLedger()
        self.log: list[int] = []
        self.position = 0
        self.committed = NONE_COMMITTED
        self.is_ours = False
        self.waiting: list[Receipt] = []
        self.delivered: list[Receipt] = []
        self.done: set[int] = set()

    @rule(hole=st.integers(0, 3))
    def append(self, hole: int) -> None:
        self.log.append((self.log[-1] + 1 if self.log else 0) + hole)

    @rule()
    def join(self) -> None:
        self.position = max(0, self.committed)
        self.position = self.ledger.assign({P: self.committed}).get(P, self.position)
        self.is_ours = True

    @precondition(lambda self: self.is_ours)
    @rule(moved=st.integers(0, 4))
    def lose(self, moved: int) -> None:
        """Another member owns the partition, and may finish some records from the commit on."""
        self.ledger.assign({})
        self.is_ours = False
        rest = [offset for offset in self.log if offset >= self.committed][:moved]
        self.done |= set(rest)
        if rest:
            self.committed = rest[-1] + 1

    @precondition(lambda self: self.is_ours)
    @rule(back=st.integers(0, 3))
    def fetch(self, back: int) -> None:
        """Reads on, possibly from a little before: a race at a rebalance repeats records."""
        start = max(0, self.committed, self.position - back)
        for offset in [offset for offset in self.log if offset >= start][:3]:
            if receipt := self.ledger.receive(P, offset):
                self.waiting.append(receipt)
            self.position = max(self.position, offset + 1)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        receipt = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        if self.ledger.deliver(receipt):
            self.delivered.append(receipt)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data(), keeps=st.booleans())
    def settle(self, data: st.DataObject, *, keeps: bool) -> None:
        """Effects are durable before the settlement; a late or repeated settlement may follow."""
        receipt = data.draw(st.sampled_from(self.delivered))
        if not keeps:
            self.delivered.remove(receipt)
        self.done.add(receipt.offset)
        self.ledger.settle(receipt)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        receipt = data.draw(st.sampled_from(self.delivered))
        if self.ledger.release(receipt):
            self.waiting.append(receipt)

    @rule(is_confirmed=st.booleans())
    def commit(self, *, is_confirmed: bool) -> None:
        """The broker takes it; whether we hear of it is another matter."""
        due = self.ledger.due()
        if P in due:
            assert due[P] >= self.committed  # equal when the last answer was lost
            self.committed = due[P]
        if is_confirmed:
            self.ledger.confirm(due)

    @invariant()
    def nothing_below_the_commit_is_undone(self) -> None:
        assert all(offset in self.done for offset in self.log if offset < self.committed)


TestOneMember = OneMember.TestCase
