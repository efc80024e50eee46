"""The desk's way to broker and store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from consumer.adapters.kafka.browser import TopicBrowser, TopicExtent
from consumer.adapters.s3_store import Limits, S3Store, StoreConfig
from consumer.core.failures import JobError
from consumer.core.intake.readings import IntakeRules
from consumer.desk.journal import Journal, unavailable
from consumer.desk.reading import Reading
from contracts.broker import BrokerSecurity
from contracts.requests import split_s3_uri

_LIMITS: Final = Limits(connect_s=5, silence_s=10, call_s=30, attempts=3)
"""A person waits; and a claim must outlast it all."""


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """Where things are."""

    bootstrap_servers: str
    security: BrokerSecurity
    topic: str
    """The dead-letter topic."""
    state_prefix: str
    rules: IntakeRules
    store: StoreConfig


@dataclass(frozen=True, slots=True)
class Desk:
    """Broker and store, open."""

    config: DeskConfig
    browser: TopicBrowser
    store: S3Store
    extent: TopicExtent
    journal: Journal
    now: Callable[[], datetime]
    """The store's time, so that claims of machines with different clocks compare."""

    @property
    def reading(self) -> Reading:
        """The topic as it was when the desk was opened."""
        return self.reading_of(self.extent)

    def reading_of(self, extent: TopicExtent) -> Reading:
        """The topic as it was at another moment."""
        return Reading(self.browser, self.journal, extent, rules=self.config.rules, now=self.now)


@asynccontextmanager
async def open_desk(config: DeskConfig, *, needs_journal: bool = True) -> AsyncIterator[Desk]:
    """Connects and looks how much there is.

    Args:
        config: where things are.
        needs_journal: False lets who only looks do without where the store is away: `journal.gap` says it then.

    Raises:
        FatalError: broker or store do not answer or refuse us, or the topic is missing.
    """
    store = S3Store(config=replace(config.store, limits=_LIMITS))
    async with TopicBrowser(config.bootstrap_servers, config.security) as browser, store:
        extent = await browser.extent(config.topic)
        journal = Journal(store, config.state_prefix, config.topic, extent.topic_id, is_needed=needs_journal)
        ahead = timedelta(0)
        try:
            ahead = await _ahead(store, config.state_prefix)
        except JobError as exc:
            if needs_journal:
                raise unavailable(exc) from exc
            journal.gap = unavailable(exc).message
        yield Desk(config, browser, store, extent, journal, lambda: datetime.now(UTC) + ahead)


async def _ahead(store: S3Store, state_prefix: str) -> timedelta:
    """How far the store's clock is ahead of ours, to the second."""
    bucket, _ = split_s3_uri(state_prefix)
    told = await store.time(bucket)
    return timedelta(0) if told is None else told - datetime.now(UTC)
