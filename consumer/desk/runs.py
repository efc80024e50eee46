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

from consumer.core.desk.entries import CLAIM_LIFE, PAGE_OFFSETS, Claim, Entry
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
        claims = {step: self._claim(step) for step in batch}
        where = _where(batch[0])
        page = await self._journal.update(*where, lambda page: page.claimed(claims.values()))
        won = [step for step in batch if page.holds(claims[step])]
        self.report.busy += len(batch) - len(won)
        done: list[Step] = []
        try:
            await self._send(won, done)
        finally:
            # Also when cancelled: what was sent must be known.
            sent, left = [claims[step] for step in done], [claims[step] for step in won if step not in done]
            now = self._now()
            await asyncio.shield(self._journal.update(*where, lambda page: page.closed(sent, left, now)))

    def _claim(self, step: Step) -> Claim:
        move, found = step.move, step.found
        entry = Entry(
            timestamp_ms=found.letter.timestamp_ms, deed=move.deed, at=self._now(), run=self._signature.run,
            by=self._signature.by, to=move.copy.topic if move.copy else None, replays=move.replays,
        )  # fmt: skip
        return Claim(found.letter, found.entry, entry)

    async def _send(self, won: Sequence[Step], done: list[Step]) -> None:
        """Sends copies side by side, each in its turn; `done` gets those that are confirmed."""
        refused: list[Step] = []
        stale_at = self._now() + CLAIM_LIFE / 2  # a claim that is older may soon be taken for broken off
        async with asyncio.TaskGroup() as group:
            for step in won:
                if not await self._pace.turn() or self._failure is not None or self._now() >= stale_at:
                    break
                group.create_task(self._publish(step, done, refused))
        await self._send_alone(refused, done)

    async def _send_alone(self, refused: Sequence[Step], done: list[Step]) -> None:
        """Once more, one at a time: the client sends several records as one batch, and one too large fails them all."""
        for step in refused:
            still: list[Step] = []
            await self._publish(step, done, still)
            for each in still:
                self.report.leave(each.found.letter, Obstacle.REFUSED)

    async def _publish(self, step: Step, done: list[Step], refused: list[Step]) -> None:
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
            done.append(step)
            self._on_done(self.report.done)


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
