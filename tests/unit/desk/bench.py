"""A dead-letter topic, its journal and a broker in memory, each of which fails when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from consumer.core.desk.entries import Standing
from consumer.core.desk.letters import DeadLetter
from consumer.core.desk.orders import Order, Verb
from consumer.core.desk.reports import Report
from consumer.core.desk.selection import Selection
from consumer.core.failures import OutageError
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import Record
from consumer.desk.journal import Journal
from consumer.desk.pace import Pace
from consumer.desk.plans import Plan
from consumer.desk.reading import Reading
from consumer.desk.runs import Run, Signature
from consumer.ports import OutboundRecord, RecordRefusedError
from contracts.errors import ErrorCode
from tests.dead_letters import CODES, DLT, make_value, ours, standing_at
from tests.fakes.browser import FakeBrowser
from tests.fakes.store import FakeStore
from tests.make import NOW, make_record

AWAY = OutageError(ErrorCode.BROKER_UNAVAILABLE, "the broker is away")
REPLAY = Order(Verb.REPLAY, parking="parking")


@dataclass
class Outbox:
    """A sink that keeps what it gets, and fails when told to."""

    sent: list[OutboundRecord] = field(default_factory=list)
    failures: dict[bytes, BaseException] = field(default_factory=dict)
    """By key."""
    refuses_batches: bool = False
    """Whether records that come side by side are refused together."""
    under_way: int = 0
    pace: Pace | None = None
    stop_after: int = 10**9

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def publish(self, record: OutboundRecord) -> None:
        if failure := self.failures.get(record.key or b""):
            raise failure
        self.under_way += 1
        await asyncio.sleep(0)
        is_batch, self.under_way = self.under_way > 1, self.under_way - 1
        if is_batch and self.refuses_batches:
            raise RecordRefusedError("too large")
        self.sent.append(record)
        if self.pace and len(self.sent) >= self.stop_after:
            self.pace.stop()

    @property
    def keys(self) -> list[str]:
        return [(record.key or b"").decode() for record in self.sent]


class FailingStore(FakeStore):
    """Takes so many writes and no more."""

    writes_left: int | None = None

    def _enter(self, method: str, uri: str) -> None:
        if method != "read" and self.writes_left is not None:
            if self.writes_left == 0:
                raise OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")
            self.writes_left -= 1
        super()._enter(method, uri)


@dataclass
class Bench:
    """A dead-letter topic with its journal, and a clock."""

    records: Sequence[Record]
    store: FailingStore = field(default_factory=FailingStore)
    outbox: Outbox = field(default_factory=Outbox)
    whole: Record | None = None
    now: datetime = NOW

    @property
    def journal(self) -> Journal:
        return Journal(self.store, "s3://bucket/.steno/", DLT, "id-1")

    @property
    def reading(self) -> Reading:
        browser = FakeBrowser(self.records)
        return Reading(browser, self.journal, browser.extent(DLT), rules=IntakeRules(), now=lambda: self.now)

    def plan(self, order: Order = REPLAY, selection: Selection | None = None) -> Plan:
        return Plan(order, selection or Selection(), self.reading, self._find_whole, now=lambda: self.now)

    async def _find_whole(self, letter: DeadLetter, cut: Record) -> Record | None:
        assert letter.cut is not None
        assert cut.value is None
        return self.whole

    async def run(
        self, order: Order = REPLAY, selection: Selection | None = None, *, run: str = "mine", pace: Pace | None = None
    ) -> Report:
        running = Run(
            self.plan(order, selection), self.journal, self.outbox,
            signature=Signature(run, "me"), pace=pace or Pace(None), now=lambda: self.now,
        )  # fmt: skip
        try:
            await running.do(lambda _: None)
        finally:
            self.last = running.report
        return running.report

    async def standings(self) -> list[Standing]:
        reading = self.reading.select(Selection(takes_handled=True))
        return [found.standing async for found in reading]


def make_letters(count: int) -> list[Record]:
    """Letters of as many jobs, in two partitions with holes, of one code after the other."""
    return [
        standing_at(
            ours(make_record(make_value(f"job-{number}"), key=f"job-{number}".encode()), CODES[number % len(CODES)]),
            offset=number * 3, partition=number % 2,
        )
        for number in range(count)
    ]  # fmt: skip
