"""What an order comes to for each dead letter that is meant, before anything is done."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from consumer.core.desk.entries import Standing
from consumer.core.desk.letters import DeadLetter
from consumer.core.desk.orders import Move, Obstacle, Order, Verb, replays_before
from consumer.core.desk.reports import Report
from consumer.core.desk.selection import Selection
from consumer.core.records import Record
from consumer.desk.reading import Found, Reading

FindWhole = Callable[[DeadLetter, Record], Awaitable[Record | None]]
"""The whole record of a dead letter that was cut, if it is still to be had."""


@dataclass(frozen=True, slots=True)
class Step:
    """One dead letter, and what is done with it."""

    found: Found
    move: Move


class Plan:
    """An order over a selection of one topic."""

    def __init__(
        self, order: Order, selection: Selection, reading: Reading, find_whole: FindWhole, *,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """Borrows everything."""
        self._order = order
        self._selection = selection
        self._reading = reading
        self._find_whole = find_whole
        self._now = now

    async def survey(self) -> Report:
        """What would be done; nothing is.

        Raises:
            FatalError: broker or store do not answer or refuse us.
        """
        report = Report()
        async with aclosing(self.steps(report)) as steps:
            async for step in steps:
                report.do(step.found.letter, step.move)
        return report

    async def steps(self, report: Report) -> AsyncGenerator[Step, None]:
        """What is to be done, by partition and offset; what cannot be done goes to the report.

        Raises:
            FatalError: as `survey`.
        """
        async with aclosing(self._reading.select(self._selection)) as selected:
            async for found in selected:
                report.meet(found.standing)
                if found.standing is Standing.BUSY:
                    report.busy += 1
                    continue
                move = await self._move(found)
                if isinstance(move, Obstacle):
                    report.leave(found.letter, move)
                else:
                    yield Step(found, move)

    async def _move(self, found: Found) -> Move | Obstacle:
        letter, record = found.letter, found.record
        replays = replays_before(letter, found.entry)
        is_sent_on = self._order.verb is Verb.REPLAY and replays < self._order.max_replays
        if letter.cut is not None and is_sent_on:
            whole = await self._find_whole(letter, record)
            if whole is None:
                return Obstacle.CUT
            record = whole
        return self._order.move(letter, record, replays=replays, now=self._now())
