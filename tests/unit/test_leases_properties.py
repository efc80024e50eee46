"""Leases under any order of takes, renewals, crashes and lost answers, by clocks that differ."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.core.failures import LeaseLostError, OutageError
from consumer.core.leases import Held, LeaseDocument, LeaseState, LeaseTerms, read_lease
from consumer.lease import Clocks, Lease, LeaseConfig
from consumer.leases import Leases
from contracts.errors import ErrorCode
from tests.fakes.store import FakeStore
from tests.make import NOW, make_a_job

JOB = make_a_job()
PLACE = "s3://state/-/call-4711/lease"
TERMS = LeaseTerms(ttl_s=15, max_deliveries=3)
WORKERS = st.integers(0, 2)
FAULTS = st.sampled_from(["none", "none", "none", "away", "lost"])


class FaultyStore(FakeStore):
    """Fails before a write, or after it, as told for the next one."""

    fault = "none"

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        self._fail("away")
        etag = await super().create(uri, body, content_type)
        self._fail("lost")
        return etag

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        self._fail("away")
        new = await super().replace(uri, body, content_type, etag=etag)
        self._fail("lost")
        return new

    def _fail(self, fault: str) -> None:
        if self.fault == fault:
            self.fault = "none"
            raise OutageError(ErrorCode.STORAGE_UNAVAILABLE, fault)


class ThreeWorkers(RuleBasedStateMachine):
    """Each has a clock of its own, as has the store; all run equally fast."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.time_s = 0.0
        self.store = FaultyStore()
        self.leases: list[Leases] = []
        self.held: list[Lease | None] = [None] * 3
        self.last: LeaseDocument | None = None
        """What stood in the store after the last step."""

    def teardown(self) -> None:
        self.runner.close()

    @initialize(skews=st.lists(st.floats(0, 1e6), min_size=4, max_size=4), tells_age=st.booleans())
    def start(self, skews: list[float], *, tells_age: bool) -> None:
        *workers, store = skews
        self.store.clock = (lambda: self.time_s + store) if tells_age else None
        for number, skew in enumerate(workers):
            clocks = Clocks(lambda skew=skew: self.time_s + skew, lambda: NOW)  # type: ignore[misc]  # bound now
            self.leases.append(
                Leases(self.store, self.store, config=LeaseConfig("s3://state/", str(number), TERMS), clocks=clocks)
            )

    @rule(seconds=st.one_of(st.floats(0, 20), st.sampled_from([0.01, 1.0, 5.0, 14.99, 15.0, 16.0])))
    def let_time_pass(self, seconds: float) -> None:
        self.time_s += seconds

    @rule(worker=WORKERS, fault=FAULTS)
    def take(self, worker: int, fault: str) -> None:
        """A worker that had the job forgets it: crashed and started again, or an attempt that nobody ended."""
        self.store.fault = fault
        try:
            taken = self.runner.run(self.leases[worker].take(JOB))
        except OutageError:
            return
        finally:
            self.store.fault = "none"
        if isinstance(taken, Held):
            assert 0 < taken.wait_s <= TERMS.renew_s
            return
        self.held[worker] = taken
        assert taken.deliveries <= TERMS.max_deliveries + 1
        assert (taken.worker_lost is not None) == (taken.deliveries > TERMS.max_deliveries)

    @precondition(lambda self: any(self.held))
    @rule(worker=WORKERS, fault=FAULTS)
    def renew(self, worker: int, fault: str) -> None:
        if (lease := self.held[worker]) is None:
            return
        self.store.fault = fault
        is_ours = (found := self._found()) is not None and found.token == lease.token
        try:
            self.runner.run(lease.renew())
        except OutageError:
            pass
        except LeaseLostError:
            assert not is_ours
            self.held[worker] = None
        else:
            assert is_ours
        self.store.fault = "none"

    @precondition(lambda self: any(self.held))
    @rule(worker=WORKERS, is_done=st.booleans())
    def let_go(self, worker: int, *, is_done: bool) -> None:
        if (lease := self.held[worker]) is not None:
            self.runner.run(lease.release() if is_done else lease.hand_back())
            self.held[worker] = None

    @precondition(lambda self: any(self.held))
    @rule(worker=WORKERS)
    def crash(self, worker: int) -> None:
        self.held[worker] = None

    @rule(worker=WORKERS)
    def wait(self, worker: int) -> None:
        """Nobody renews any more: who looks when told to has the job before long."""
        began_s = self.time_s
        while isinstance(taken := self.runner.run(self.leases[worker].take(JOB)), Held):
            self.time_s += taken.wait_s
            assert self.time_s - began_s <= TERMS.ttl_s + 2 * TERMS.renew_s
        self.held[worker] = taken

    @invariant()
    def no_two_believe_that_they_have_it(self) -> None:
        assert sum(lease is not None and not lease.has_lapsed for lease in self.held) <= 1

    @invariant()
    def each_taking_counts_those_before_that_came_to_nothing(self) -> None:
        before, now = self.last, self._found()
        if now is not None and now.state is LeaseState.HELD and (before is None or before.token != now.token):
            lost = 0 if before is None else min(before.deliveries, TERMS.max_deliveries)
            assert now.deliveries == lost + 1
        if now is not None:
            lost = now.deliveries - (now.state is LeaseState.HELD)
            assert len(now.lost_workers) == min(lost, TERMS.max_deliveries)
        self.last = now

    def _found(self) -> LeaseDocument | None:
        return read_lease(self.store.objects[PLACE]) if PLACE in self.store.objects else None


TestThreeWorkers = ThreeWorkers.TestCase
TestThreeWorkers.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
