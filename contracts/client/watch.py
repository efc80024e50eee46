"""Outcomes of single jobs, awaited by many while one consumer reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from contracts.client.answers import CLOCK_SKEW
from contracts.client.config import ClientConfig
from contracts.client.feed import EventFeed
from contracts.client.jobs import JobHandle
from contracts.client.waiting import OnProgress, Waiting
from contracts.events import Event, OutcomeEvent

_MOST_RECENT: Final = 1000
"""Events that are told again to who begins to wait: one may have come before, and the demo's broker cannot rewind."""
_LINGER_S: Final = 30.0
"""How long the consumer stays when nobody waits: the next wait finds it running."""


class OutcomeWatch:
    """One consumer for all who wait; it runs while somebody does.

    A wait looks back to the time when its job was submitted: the consumer rewinds, and those who wait already
    hear some events again, which they drop.
    """

    def __init__(self, config: ClientConfig) -> None:
        """Connects to nothing yet."""
        self._config = config
        self._waiting: dict[str, set[Waiting]] = {}
        self._recent: deque[Event] = deque(maxlen=_MOST_RECENT)
        self._since: datetime | None = None
        self._reading: asyncio.Task[Exception | None] | None = None
        self._is_open = asyncio.Event()
        self._listeners = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Reads from now on, whether somebody waits or not: what is submitted within needs no look back.

        Raises:
            ClientError: the broker does not answer or refuses; a topic is missing.
        """
        self._listeners += 1
        try:
            opening = asyncio.create_task(self._is_open.wait())
            reading = self._ensure_reading()
            await asyncio.wait((opening, reading), return_when=asyncio.FIRST_COMPLETED)
            opening.cancel()
            if reading.done() and (error := reading.result()):
                raise error
            yield
        finally:
            self._listeners -= 1

    async def ending(self, job: JobHandle, *, on_progress: OnProgress | None = None) -> OutcomeEvent:
        """The outcome of a job, whether it came since it was submitted or is to come.

        Raises:
            ClientError: the broker does not answer or refuses; a topic is missing.
        """
        waiting = Waiting(job, asyncio.get_running_loop().create_future(), on_progress)
        self._waiting.setdefault(job.job_id, set()).add(waiting)
        for event in self._recent:
            waiting.hear(event)
        earliest = job.submitted_at - CLOCK_SKEW
        self._since = earliest if self._since is None else min(self._since, earliest)
        self._ensure_reading()
        try:
            return await waiting.ending
        finally:
            self._forget(waiting)

    async def close(self) -> None:
        """Ends reading; bounded in time. Whoever still waits is cancelled."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _ensure_reading(self) -> asyncio.Task[Exception | None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return self._reading

    def _forget(self, waiting: Waiting) -> None:
        others = self._waiting[waiting.job.job_id]
        others.discard(waiting)
        if not others:
            del self._waiting[waiting.job.job_id]

    def _all(self) -> list[Waiting]:
        return [waiting for several in self._waiting.values() for waiting in several]

    async def _read(self) -> Exception | None:
        try:
            while self._waiting or self._listeners:  # again where somebody came while the feed was closing
                async with EventFeed(self._config) as feed:
                    self._is_open.set()
                    await self._hear_all(feed)
                    self._is_open.clear()
        except Exception as exc:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._fail(exc)
            return exc
        except asyncio.CancelledError:
            self._fail(None)
            raise
        finally:
            self._is_open.clear()
        return None

    async def _hear_all(self, feed: EventFeed) -> None:
        now = asyncio.get_running_loop().time
        last_needed = now()
        while now() - last_needed < _LINGER_S:
            if self._waiting or self._listeners:
                last_needed = now()
            if self._since is not None:
                since, self._since = self._since, None
                await feed.rewind(since)
            for event in await feed.poll():
                self._recent.append(event)
                for waiting in tuple(self._waiting.get(event.data.job_id or "", ())):
                    waiting.hear(event)
            if await feed.is_caught_up():
                for waiting in self._all():
                    waiting.settle()

    def _fail(self, error: Exception | None) -> None:
        """Ends every wait: with the error, or cancelled."""
        for waiting in self._all():
            if waiting.ending.done():
                continue
            if error is None:
                waiting.ending.cancel()
            else:
                waiting.ending.set_exception(error)
