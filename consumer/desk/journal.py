"""The journal in object storage: what became of dead letters, the same for everybody who looks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from consumer.core.desk.entries import PAGE_OFFSETS, Page, read_page
from consumer.core.failures import ExitCode, FatalError, JobError
from consumer.ports import Store, StoredObject
from contracts.errors import ErrorCode, Verdict

_CONTENT_TYPE: Final = "application/json"
_TRIES: Final = 20
_PAUSE_S: Final = 0.05
_NO_ID: Final = "-"


class Journal:
    """The pages of one topic, `<state>/-dlq/<topic>/<topic id>/<partition>/<first offset>.json`.

    A topic that was deleted and made again has another id, and so a journal of its own.
    """

    def __init__(
        self, store: Store, state_prefix: str, topic: str, topic_id: str | None, *, is_needed: bool = True
    ) -> None:
        """Borrows the store; reads nothing yet. Who only looks may do without: then `gap` says what is missing."""
        self._store = store
        self._empty = Page(topic, topic_id or _NO_ID)
        self._prefix = f"{state_prefix}-dlq/{topic}/{topic_id or _NO_ID}"
        self._latest: tuple[tuple[int, int], Page] | None = None
        self._is_needed = is_needed
        self.gap: str | None = None
        """Why the journal could not be had, where it is not needed."""

    async def page(self, partition: int, offset: int) -> Page | None:
        """The page that an offset stands on, as it was when reading it began: kept while its neighbours are read.

        None where it cannot be had and is not needed; then nothing more is asked for.

        Raises:
            FatalError: the store does not answer or refuses us, or holds something else there.
        """
        number = partition, offset // PAGE_OFFSETS
        if self._latest is not None and self._latest[0] == number:
            return self._latest[1]
        if self.gap is not None:
            return None
        try:
            page, _ = await self._read(self._uri(*number))
        except FatalError as exc:
            if self._is_needed:
                raise
            self.gap = exc.message
            return None
        self._latest = number, page
        return page

    async def update(self, partition: int, offset: int, change: Callable[[Page], Page]) -> Page:
        """Changes the page that an offset stands on, as nobody else does at the same time; returns it.

        Args:
            partition: of the topic.
            offset: any of the page.
            change: called again, with the page as it is then, when somebody else was faster.

        Raises:
            FatalError: as `page`, or others were faster each time.
        """
        number = partition, offset // PAGE_OFFSETS
        uri = self._uri(*number)
        for attempt in range(_TRIES):
            before, stored = await self._read(uri)
            after = change(before)
            if after == before or await self._written(uri, after.render(), stored):
                self._latest = number, after
                return after
            await asyncio.sleep(random.uniform(0, _PAUSE_S * (attempt + 1)))
        raise FatalError(ExitCode.UNAVAILABLE, f"{uri}: others write to it all the time; try again later")

    def _uri(self, partition: int, page: int) -> str:
        return f"{self._prefix}/{partition}/{page * PAGE_OFFSETS}.json"

    async def _read(self, uri: str) -> tuple[Page, StoredObject | None]:
        try:
            stored = await self._store.read(uri)
            return (self._empty if stored is None else read_page(stored.body)), stored
        except JobError as exc:
            raise unavailable(exc) from exc
        except ValueError as exc:
            advice = "use that steno, or move the object away: what it noted is forgotten then"
            text = f"{uri} is no page of the desk's journal: a newer steno wrote it, or it was touched; {advice}"
            raise FatalError(ExitCode.BAD_SETTINGS, text) from exc

    async def _written(self, uri: str, body: bytes, stored: StoredObject | None) -> bool:
        try:
            if stored is None:
                return await self._store.create(uri, body, _CONTENT_TYPE) is not None
            return await self._store.replace(uri, body, _CONTENT_TYPE, etag=stored.etag) is not None
        except JobError as exc:
            raise unavailable(exc) from exc


def unavailable(error: JobError) -> FatalError:
    """Ends the command: the journal cannot be had."""
    text = f"the desk's journal cannot be had: {error.message}; check STENO_S3__STATE and AWS_ENDPOINT_URL_S3"
    text += " (ls and stats do without it under --all)"
    is_refused = error.verdict is Verdict.PERMANENT or error.code is ErrorCode.CREDENTIALS_EXPIRED
    return FatalError(ExitCode.REFUSED if is_refused else ExitCode.UNAVAILABLE, text)
