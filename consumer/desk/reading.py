"""Dead letters as they stand: read from the topic, and told what the journal knows of each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from consumer.adapters.kafka.browser import TopicExtent
from consumer.core.desk.entries import Deed, Entry, Standing
from consumer.core.desk.letters import DeadLetter, read_letter
from consumer.core.desk.places import Place
from consumer.core.desk.selection import Selection
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import Record
from consumer.desk.journal import Journal


class Browser(Protocol):
    """Reads records at places, as `consumer.adapters.kafka.browser` does."""

    async def first_since(self, topic: str, partition: int, timestamp_ms: int) -> int | None:
        """The first offset with a record of that time or later; None where there is none."""
        ...

    def records(self, topic: str, partition: int, span: range) -> AsyncGenerator[Record, None]:
        """Every record at these offsets, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One record of the topic, and how it stands."""

    record: Record
    letter: DeadLetter
    standing: Standing
    entry: Entry | None
    """What the journal says of it."""

    @property
    def is_handled(self) -> bool:
        """Whether it was replayed, parked or dropped."""
        return self.standing is Standing.HANDLED

    @property
    def deed(self) -> Deed | None:
        """What was done, or is being done."""
        return None if self.entry is None else self.entry.deed


class Reading:
    """One topic as it was when its extent was looked up; what came later is left out."""

    def __init__(
        self, browser: Browser, journal: Journal, extent: TopicExtent, *, rules: IntakeRules,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """Borrows browser and journal; `now` is the store's time."""
        self._browser = browser
        self._journal = journal
        self._extent = extent
        self._rules = rules
        self._now = now

    async def select(self, selection: Selection) -> AsyncGenerator[Found, None]:
        """What is meant, by partition and offset; few records are in memory at once.

        Raises:
            FatalError: broker or store do not answer or refuse us.
        """
        left = selection.limit
        async with aclosing(self._all(selection)) as records:
            async for record in records:
                letter = read_letter(record, self._rules)
                if not selection.wants(letter):
                    continue
                found = await self._stands(record, letter)
                if found.is_handled and not selection.takes_handled:
                    continue
                if left is not None and left <= 0:
                    return
                yield found
                left = None if left is None else left - 1

    async def at(self, place: Place) -> Found | None:
        """What stands at one place; None where nothing does (any more)."""
        span = self._extent.partitions.get(place.partition, range(0))
        if place.offset not in span:
            return None
        one = range(place.offset, place.offset + 1)
        async with aclosing(self._browser.records(place.topic, place.partition, one)) as records:
            record = await anext(records, None)
        return None if record is None else await self._stands(record, read_letter(record, self._rules))

    async def _all(self, selection: Selection) -> AsyncGenerator[Record, None]:
        """Every record that may fit, passing over what cannot."""
        for partition, extent in self._extent.partitions.items():
            if selection.partitions and partition not in selection.partitions:
                continue
            for span in selection.spans(await self._recent(selection, partition, extent)):
                async with aclosing(self._browser.records(self._extent.topic, partition, span)) as records:
                    async for record in records:
                        yield record

    async def _recent(self, selection: Selection, partition: int, extent: range) -> range:
        if selection.since_ms is None or not extent:
            return extent
        first = await self._browser.first_since(self._extent.topic, partition, selection.since_ms)
        return range(extent.stop if first is None else max(first, extent.start), extent.stop)

    async def _stands(self, record: Record, letter: DeadLetter) -> Found:
        page = await self._journal.page(letter.place.partition, letter.place.offset)
        if page is None:
            return Found(record, letter, Standing.UNKNOWN, None)
        return Found(record, letter, page.standing(letter, self._now()), page.entry(letter))
