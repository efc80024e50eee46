"""Outcomes of single jobs, awaited by many while one consumer reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from contracts.client.config import ClientConfig
from contracts.client.feed import EventFeed
from contracts.events import Event, OutcomeEvent, ProgressEvent

OnProgress = Callable[[ProgressEvent], None]
"""Told of each progress event of a job, once. An exception out of it ends that wait."""

_CLOCK_SKEW: Final = timedelta(seconds=60)
"""Producer and worker stamp their records by clocks of their own."""
_LINGER_S: Final = 30.0
"""How long the consumer stays when nobody waits: the next wait finds it running."""


@dataclass(slots=True, eq=False)
class _Waiter:
    ending: asyncio.Future[OutcomeEvent]
    on_progress: OnProgress | None
    seen: set[tuple[str, str]] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        if self.ending.done() or (event.source, event.id) in self.seen:
            return
        self.seen.add((event.source, event.id))
        match event.data:
            case OutcomeEvent() as outcome:
                self.ending.set_result(outcome)
            case ProgressEvent() as progress if self.on_progress is not None:
                self._tell(self.on_progress, progress)

    def _tell(self, on_progress: OnProgress, progress: ProgressEvent) -> None:
        try:
            on_progress(progress)
        except Exception as exc:  # noqa: BLE001 - the caller's own error goes to that caller alone
            self.ending.set_exception(exc)


class OutcomeWatch:
    """One consumer for all who wait; it runs while somebody does.

    A wait looks back to the time when its job was submitted: the consumer rewinds, and those who wait already
    hear some events again, which they drop.
    """

    def __init__(self, config: ClientConfig) -> None:
        """Connects to nothing yet."""
        self._config = config
        self._waiting: dict[str, set[_Waiter]] = {}
        self._since: datetime | None = None
        self._reading: asyncio.Task[None] | None = None

    async def ending(self, job_id: str, *, since: datetime, on_progress: OnProgress | None = None) -> OutcomeEvent:
        """The outcome of a job, whether it came since then or is to come.

        Raises:
            ClientError: the broker does not answer or refuses; a topic is missing.
        """
        waiter = _Waiter(asyncio.get_running_loop().create_future(), on_progress)
        self._waiting.setdefault(job_id, set()).add(waiter)
        earliest = since - _CLOCK_SKEW
        self._since = earliest if self._since is None else min(self._since, earliest)
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        try:
            return await waiter.ending
        finally:
            self._forget(job_id, waiter)

    async def close(self) -> None:
        """Ends reading; bounded in time. Whoever still waits is cancelled."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _forget(self, job_id: str, waiter: _Waiter) -> None:
        waiters = self._waiting[job_id]
        waiters.discard(waiter)
        if not waiters:
            del self._waiting[job_id]

    async def _read(self) -> None:
        try:
            while self._waiting:  # again where somebody came while the feed was closing
                async with EventFeed(self._config) as feed:
                    await self._hear_all(feed)
        except Exception as exc:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._fail(exc)
        except asyncio.CancelledError:
            self._fail(None)
            raise

    async def _hear_all(self, feed: EventFeed) -> None:
        now = asyncio.get_running_loop().time
        last_needed = now()
        while now() - last_needed < _LINGER_S:
            if self._waiting:
                last_needed = now()
            if self._since is not None:
                since, self._since = self._since, None
                await feed.rewind(since)
            for event in await feed.poll():
                for waiter in tuple(self._waiting.get(event.data.job_id or "", ())):
                    waiter.hear(event)

    def _fail(self, error: Exception | None) -> None:
        """Ends every wait: with the error, or cancelled."""
        for waiter in [waiter for waiters in self._waiting.values() for waiter in waiters]:
            if waiter.ending.done():
                continue
            if error is None:
                waiter.ending.cancel()
            else:
                waiter.ending.set_exception(error)
