"""Ports as the handler sees them: calls of the store outlast its outages, and what works is noticed for others.

Each call is repeated alone. A job whose result cannot be written for an hour has that write repeated, and not the
transcription before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from consumer.core.outages import Dependency
from consumer.core.speech import EngineResult, FetchedObject
from consumer.patience import Patience
from consumer.ports import Engine, Samples, Store, StoredObject
from contracts.requests import Input, Options


class PatientStore:
    """A store whose calls wait while it is away. Implements `consumer.ports.Store`.

    A full local disk (`SCRATCH_FULL`) is raised: the file that is in its way has to be closed first.
    """

    def __init__(self, store: Store, patience: Patience, *, stands_for: Dependency = Dependency.STORE) -> None:
        """Borrows the store; its outages are those of what it stands for."""
        self._store = store
        self._patience = patience
        self._stands_for = stands_for

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        """As the port says; begins anew after an outage."""

        async def call() -> FetchedObject:
            into.seek(0)
            into.truncate()
            return await self._store.fetch(source, into, max_bytes=max_bytes)

        fetched = await self._patience.outlast("fetch", call, asks=self._stands_for)
        self._patience.answered(Dependency.SCRATCH)
        return fetched

    async def read(self, uri: str) -> StoredObject | None:
        """As the port says."""
        return await self._patience.outlast("read", lambda: self._store.read(uri), asks=self._stands_for)

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        """As the port says. When an outage took the answer to a write of ours, the repetition reports None."""
        return await self._patience.outlast(
            "create", lambda: self._store.create(uri, body, content_type), asks=self._stands_for
        )

    async def write(self, uri: str, body: bytes, content_type: str) -> None:
        """As the port says."""
        await self._patience.outlast("write", lambda: self._store.write(uri, body, content_type), asks=self._stands_for)

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        """As the port says. When an outage took the answer to a write of ours, the repetition reports None."""
        return await self._patience.outlast(
            "replace", lambda: self._store.replace(uri, body, content_type, etag=etag), asks=self._stands_for
        )


class HeededEngine:
    """An engine whose jobs, when they begin, show that their model is there. Implements `consumer.ports.Engine`."""

    def __init__(self, engine: Engine, patience: Patience) -> None:
        """Borrows the engine."""
        self._engine = engine
        self._patience = patience

    @property
    def is_ready(self) -> bool:
        """As the port says."""
        return self._engine.is_ready

    async def transcribe(
        self,
        samples: Samples,
        options: Options,
        on_progress: Callable[[float], None],
        on_loading: Callable[[], None] = lambda: None,
        on_begun: Callable[[], None] = lambda: None,
    ) -> EngineResult:
        """As the port says."""

        def begun() -> None:
            self._patience.answered(Dependency.MODEL, options.model)
            on_begun()

        return await self._engine.transcribe(samples, options, on_progress, on_loading, begun)
