"""Which commits the ledger asks for, claim by claim."""

from __future__ import annotations

from consumer.core.offsets import NONE_COMMITTED, OffsetLedger, Partition, Receipt

P: Partition = ("requests", 0)
Q: Partition = ("requests", 1)


def make_ledger(*offsets: int, committed: int = NONE_COMMITTED) -> tuple[OffsetLedger, list[Receipt]]:
    """A ledger with one claim on P under which these offsets were delivered."""
    ledger = OffsetLedger()
    ledger.assign({P: committed})
    return ledger, [deliver(ledger, offset) for offset in offsets]


def deliver(ledger: OffsetLedger, offset: int, partition: Partition = P) -> Receipt:
    receipt = ledger.receive(partition, offset)
    assert receipt is not None
    assert ledger.deliver(receipt)
    return receipt


def test_nothing_is_due_before_a_settlement() -> None:
    ledger, _ = make_ledger(0, 1)
    assert ledger.due() == {}


def test_all_settled_commits_past_the_last_received() -> None:
    ledger, receipts = make_ledger(0, 1)
    for receipt in receipts:
        ledger.settle(receipt)
    assert ledger.due() == {P: 2}


def test_gap_holds_the_commit_back() -> None:
    ledger, (first, second, third) = make_ledger(0, 1, 2)
    ledger.settle(first)
    ledger.settle(third)
    assert ledger.due() == {P: 1}
    ledger.settle(second)
    assert ledger.due() == {P: 3}


def test_a_received_record_that_waits_holds_the_commit_back() -> None:
    ledger, (first,) = make_ledger(0)
    ledger.receive(P, 1)
    ledger.settle(first)
    assert ledger.due() == {P: 1}


def test_a_missing_number_holds_nothing_back() -> None:
    ledger, receipts = make_ledger(3, 7, committed=2)
    for receipt in receipts:
        ledger.settle(receipt)
    assert ledger.due() == {P: 8}


def test_what_was_confirmed_is_not_due_again() -> None:
    ledger, (first, _) = make_ledger(0, 1)
    ledger.settle(first)
    ledger.confirm(ledger.due())
    assert ledger.due() == {}


def test_an_unconfirmed_commit_stays_due() -> None:
    ledger, (first, _) = make_ledger(0, 1)
    ledger.settle(first)
    assert ledger.due() == ledger.due() == {P: 1}


def test_a_late_confirmation_moves_nothing_back() -> None:
    ledger, (first, second) = make_ledger(0, 1)
    ledger.settle(first)
    ledger.settle(second)
    ledger.confirm({P: 2})
    ledger.confirm({P: 1})
    assert ledger.due() == {}


def test_a_confirmation_of_a_lost_partition_is_passed_over() -> None:
    ledger, _ = make_ledger(0)
    ledger.confirm({Q: 5})
    assert ledger.due() == {}


def test_a_repeated_settlement_does_nothing() -> None:
    ledger, (first, _) = make_ledger(0, 1)
    assert ledger.settle(first)
    assert not ledger.settle(first)


def test_a_record_not_yet_delivered_cannot_be_settled() -> None:
    ledger, _ = make_ledger()
    receipt = ledger.receive(P, 0)
    assert receipt is not None
    assert not ledger.settle(receipt)


def test_a_record_is_delivered_once() -> None:
    ledger, (first,) = make_ledger(0)
    assert not ledger.deliver(first)


def test_a_released_record_holds_the_commit_and_is_delivered_again() -> None:
    ledger, (first, second) = make_ledger(0, 1)
    ledger.settle(second)
    assert ledger.release(first)
    assert not ledger.settle(first)
    assert ledger.due() == {}
    assert ledger.deliver(first)
    ledger.settle(first)
    assert ledger.due() == {P: 2}


def test_a_settled_record_cannot_be_released() -> None:
    ledger, (first,) = make_ledger(0)
    ledger.settle(first)
    assert not ledger.release(first)


def test_a_record_of_an_unclaimed_partition_is_dropped() -> None:
    ledger, _ = make_ledger()
    assert ledger.receive(Q, 0) is None


def test_a_retained_claim_drops_redeliveries_of_open_records() -> None:
    ledger, (first,) = make_ledger(0)
    waiting = ledger.receive(P, 1)
    assert waiting is not None
    ledger.assign({P: NONE_COMMITTED, Q: NONE_COMMITTED})
    assert ledger.receive(P, 0) is None
    assert ledger.receive(P, 1) is None
    assert ledger.settle(first)
    assert ledger.deliver(waiting)


def test_a_retained_claim_is_read_on_past_what_was_received() -> None:
    ledger, (first, _) = make_ledger(4, 5, committed=4)
    ledger.settle(first)
    assert ledger.assign({P: 4, Q: 9}) == {P: 6}


def test_a_retained_claim_is_read_on_past_what_another_committed() -> None:
    ledger, (first,) = make_ledger(4, committed=4)
    assert ledger.assign({P: 20}) == {P: 20}
    ledger.settle(first)
    assert ledger.due() == {}


def test_a_claim_that_received_nothing_is_read_from_the_commit() -> None:
    ledger, _ = make_ledger()
    assert ledger.assign({P: 3}) == {}


def test_a_settlement_of_an_older_epoch_moves_nothing() -> None:
    ledger, (first,) = make_ledger(0)
    ledger.assign({})
    assert not ledger.settle(first)
    ledger.assign({P: NONE_COMMITTED})
    again = deliver(ledger, 0)
    assert again.epoch > first.epoch
    assert not ledger.settle(first)
    assert not ledger.release(first)
    assert not ledger.deliver(first)
    assert ledger.settle(again)


def test_an_offset_moved_back_by_hand_ends_the_claim() -> None:
    ledger, (first, second) = make_ledger(10, 11, committed=10)
    ledger.settle(first)
    ledger.confirm(ledger.due())
    assert ledger.assign({P: 3}) == {}
    assert not ledger.settle(second)
    assert ledger.receive(P, 10) is not None


def test_a_settled_record_that_comes_again_is_delivered_again_and_commits_nothing_lower() -> None:
    ledger, (first, second) = make_ledger(0, 1)
    ledger.settle(first)
    ledger.settle(second)
    ledger.confirm(ledger.due())
    ledger.settle(deliver(ledger, 0))
    assert ledger.due() == {}


def test_partitions_do_not_hold_each_other_back() -> None:
    ledger = OffsetLedger()
    ledger.assign({P: NONE_COMMITTED, Q: NONE_COMMITTED})
    deliver(ledger, 0, P)
    ledger.settle(deliver(ledger, 0, Q))
    assert ledger.due() == {Q: 1}
