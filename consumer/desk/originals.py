"""The whole record of a dead letter whose value was cut, where it still stands."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from consumer.adapters.kafka.browser import TopicBrowser, TopicExtent
from consumer.core.desk.letters import DeadLetter
from consumer.core.failures import ExitCode, FatalError
from consumer.core.records import Record
from contracts.broker import BrokerSecurity

_KEY_BYTES: Final = 256
"""What a cut dead letter keeps of its key."""


class Originals:
    """Looks records up beside the reader of dead letters; connects when the first is asked for. A context manager."""

    def __init__(self, bootstrap_servers: str, security: BrokerSecurity) -> None:
        """Connects to nothing yet."""
        self._browser = TopicBrowser(bootstrap_servers, security)
        self._resources = AsyncExitStack()
        self._is_open = False
        self._extents: dict[str, TopicExtent | None] = {}
        """Of topics that were asked about; None for one that is not there."""

    async def __aenter__(self) -> Self:
        """Does nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnects."""
        await self._resources.aclose()

    async def whole(self, letter: DeadLetter, cut: Record) -> Record | None:
        """The record as it was before it was cut; None where something else stands there now, or nothing.

        Raises:
            FatalError: the broker does not answer, or does not let us read that topic.
        """
        place = letter.cut.place if letter.cut else None
        if place is None:
            return None
        extent = await self._extent(place.topic)
        if extent is None:
            return None
        found = await self._browser.record_at(extent, place.partition, place.offset)
        return found if found is not None and _is_whole(found, letter, cut) else None

    async def _extent(self, topic: str) -> TopicExtent | None:
        if not self._is_open:
            await self._resources.enter_async_context(self._browser)
            self._is_open = True
        if topic not in self._extents:
            try:
                self._extents[topic] = await self._browser.extent(topic)
            except FatalError as exc:
                if exc.exit_code is not ExitCode.TOPICS_MISSING:
                    raise
                self._extents[topic] = None
        return self._extents[topic]


def _is_whole(found: Record, letter: DeadLetter, cut: Record) -> bool:
    has_size = letter.cut is not None and len(found.value or b"") == letter.cut.size_bytes
    return has_size and (found.key or b"")[:_KEY_BYTES] == (cut.key or b"")
