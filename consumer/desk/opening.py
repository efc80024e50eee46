"""The desk's way to broker and store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
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
async def open_desk(config: DeskConfig) -> AsyncIterator[Desk]:
    """Connects and looks how much there is.

    Raises:
        FatalError: broker or store do not answer or refuse us, or the topic is missing.
    """
    store = S3Store(config=replace(config.store, limits=_LIMITS))
    async with TopicBrowser(config.bootstrap_servers, config.security) as browser, store:
        extent = await browser.extent(config.topic)
        journal = Journal(store, config.state_prefix, config.topic, extent.topic_id)
        yield Desk(config, browser, store, extent, journal, await _clock(store, config.state_prefix))


async def _clock(store: S3Store, state_prefix: str) -> Callable[[], datetime]:
    bucket, _ = split_s3_uri(state_prefix)
    try:
        told = await store.time(bucket)
    except JobError as exc:
        raise unavailable(exc) from exc
    ahead = (told or datetime.now(UTC)) - datetime.now(UTC)
    return lambda: datetime.now(UTC) + ahead
