"""Outcomes of jobs, awaited one by one while a single feed of events is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from consumer.cli.access import fatal
from contracts.client import ClientError, EventFeed
from contracts.events import Event, OutcomeEvent, ProgressEvent

OnProgress = Callable[[ProgressEvent], None]


class Follower:
    """Tells everyone who waits for a job of its progress and its outcome."""

    def __init__(self) -> None:
        """Follows no job yet."""
        self._outcomes: dict[str, asyncio.Future[OutcomeEvent]] = {}
        self._listeners: dict[str, OnProgress] = {}

    def follow(self, job_id: str, on_progress: OnProgress) -> asyncio.Future[OutcomeEvent]:
        """The job's outcome to come; call it before the job is published."""
        self._listeners[job_id] = on_progress
        return self._outcomes.setdefault(job_id, asyncio.get_running_loop().create_future())

    def hear(self, event: Event) -> None:
        """Takes in one event; those of other jobs and repeated ones mean nothing here."""
        outcome = self._outcomes.get(event.data.job_id or "")
        if outcome is None or outcome.done():
            return
        match event.data:
            case OutcomeEvent() as data:
                outcome.set_result(data)
            case ProgressEvent() as data:
                self._listeners[data.job_id](data)


@asynccontextmanager
async def following(feed: EventFeed) -> AsyncIterator[Follower]:
    """A follower that hears what happens from now on.

    Raises:
        FatalError: the broker cannot be read.
    """
    follower = Follower()
    try:
        async with feed, asyncio.TaskGroup() as group:
            reading = group.create_task(_read(feed, follower))
            yield follower
            reading.cancel()
    except* ClientError as errors:
        error = errors.exceptions[0]
        raise (fatal(error) if isinstance(error, ClientError) else errors) from errors


async def _read(feed: EventFeed, follower: Follower) -> None:
    async for event in feed.events():
        follower.hear(event)
