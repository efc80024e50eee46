"""A run: dead letters are claimed in batches, their copies sent and confirmed, and only then noted as done.

A crash between a copy and its note leaves the claim. It keeps other runs away until it is old, and then at most this
batch is sent again, with the same replay counts and so with the same event ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consumer.core.desk.entries import CLAIM_LIFE, PAGE_OFFSETS, Entry, Page
from consumer.core.desk.orders import Obstacle
from consumer.core.desk.reports import Report
from consumer.core.failures import ExitCode, FatalError, OutageError
from consumer.desk.journal import Journal
from consumer.desk.pace import Pace
from consumer.desk.plans import Plan, Step
from consumer.ports import RecordRefusedError, Sink

_BATCH: Final = 100
_BATCH_S: Final = 5.0
"""A batch is no more than what is sent in this time: its claim must not grow old."""
_BATCH_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Signature:
    """Whose run it is."""

    run: str
    """Unique."""
    by: str
    """For people."""


class Run:
    """Does what a plan says, once."""

    def __init__(
        self, plan: Plan, journal: Journal, sink: Sink, *, signature: Signature, pace: Pace,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """Borrows everything; `now` is the store's time."""
        self._plan = plan
        self._journal = journal
        self._sink = sink
        self._signature = signature
        self._pace = pace
        self._now = now
        self._failure: OutageError | None = None
        self.report = Report()

    async def do(self, on_done: Callable[[int], None]) -> None:
        """Goes on until all is done, the pace is stopped, or broker or store do not answer.

        Args:
            on_done: hears how many were done so far.

        Raises:
            FatalError: broker or store do not answer or refuse us; the report says what was done before.
        """
        self._on_done = on_done
        rate_per_s = self._pace.rate_per_s
        size = _BATCH if rate_per_s is None else max(1, min(_BATCH, int(rate_per_s * _BATCH_S)))
        async with aclosing(self._plan.steps(self.report)) as steps:
            async for batch in _batches(steps, size):
                await self._handle(batch)
                if self._failure is not None:
                    text = f"{self._failure.message}; run it again to go on: what was done is not repeated"
                    raise FatalError(ExitCode.UNAVAILABLE, text)
                if self._pace.is_stopped:
                    return

    async def _handle(self, batch: Sequence[Step]) -> None:
        before: dict[int, Entry | None] = {}
        won, claimed_at = await self._claim(batch, before)
        done: list[int] = []
        try:
            await self._send(won, claimed_at, done)
        finally:
            # Also when cancelled: what was sent must be known.
            undone = {offset: entry for offset, entry in before.items() if offset not in done}
            await asyncio.shield(self._close(batch[0], done, undone))

    async def _claim(self, batch: Sequence[Step], before: dict[int, Entry | None]) -> tuple[list[Step], datetime]:
        """Claims what nobody else has; `before` gets what each entry was."""
        now = self._now()
        claims = [(step.found.letter, self._entry(step, now)) for step in batch]

        def change(page: Page) -> Page:
            for letter, _ in claims:
                entry = page.records.get(letter.place.offset)
                if entry is None or entry.run != self._signature.run:
                    before[letter.place.offset] = entry
            return page.claimed(claims, again=self._plan.takes_handled)

        page = await self._journal.update(*_where(batch[0]), change)
        ours = {offset for offset, entry in page.records.items() if entry.run == self._signature.run}
        won = [step for step in batch if step.found.letter.place.offset in ours]
        self.report.busy += len(batch) - len(won)
        for offset in before.keys() - ours:
            del before[offset]
        return won, now

    def _entry(self, step: Step, now: datetime) -> Entry:
        move = step.move
        return Entry(
            timestamp_ms=step.found.letter.timestamp_ms, deed=move.deed, at=now, run=self._signature.run,
            by=self._signature.by, to=move.copy.topic if move.copy else None, replays=move.replays,
        )  # fmt: skip

    async def _send(self, won: Sequence[Step], claimed_at: datetime, done: list[int]) -> None:
        """Sends copies side by side, each in its turn; `done` gets the offsets of those that are confirmed."""
        refused: list[Step] = []
        async with asyncio.TaskGroup() as group:
            for step in won:
                is_fresh = self._now() - claimed_at < CLAIM_LIFE / 2  # or others may soon take it for broken off
                if self._failure is not None or not await self._pace.turn() or not is_fresh:
                    break
                group.create_task(self._publish(step, done, refused))
        await self._send_alone(refused, done)

    async def _send_alone(self, refused: Sequence[Step], done: list[int]) -> None:
        """Once more, one at a time: the client sends several records as one batch, and one too large fails them all."""
        for step in refused:
            still: list[Step] = []
            await self._publish(step, done, still)
            for each in still:
                self.report.leave(each.found.letter, Obstacle.REFUSED)

    async def _publish(self, step: Step, done: list[int], refused: list[Step]) -> None:
        copy = step.move.copy
        try:
            if copy is not None:
                await self._sink.publish(copy)
        except RecordRefusedError:
            refused.append(step)
        except OutageError as exc:
            self._failure = exc
        else:
            self.report.do(step.found.letter, step.move)
            done.append(step.found.letter.place.offset)
            self._on_done(self.report.done)

    async def _close(self, step: Step, done: Sequence[int], undone: dict[int, Entry | None]) -> None:
        run, now = self._signature.run, self._now()
        await self._journal.update(*_where(step), lambda page: page.closed(run, done, undone, now))


def _where(step: Step) -> tuple[int, int]:
    place = step.found.letter.place
    return place.partition, place.offset


async def _batches(steps: AsyncIterator[Step], size: int) -> AsyncIterator[list[Step]]:
    """Steps of one page of the journal at a time, bounded in number and bytes."""
    batch: list[Step] = []
    size_bytes, page = 0, (-1, -1)
    async for step in steps:
        place = step.found.letter.place
        is_full = len(batch) >= size or size_bytes >= _BATCH_BYTES
        if batch and (is_full or page != (place.partition, place.offset // PAGE_OFFSETS)):
            yield batch
            batch, size_bytes = [], 0
        page = place.partition, place.offset // PAGE_OFFSETS
        batch.append(step)
        size_bytes += len(step.move.copy.value or b"") if step.move.copy else 0
    if batch:
        yield batch
