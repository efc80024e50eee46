"""The seam to the object store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Protocol

from consumer.core.speech import FetchedObject
from contracts.requests import Input


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A small object, whole."""

    body: bytes
    etag: str
    age_s: float | None = None
    """Seconds since it was written, by the store's own clock, which tells whole ones; None where it does not tell."""


class Store(Protocol):
    """An object store with conditional writes. Each call is bounded in time.

    Every call may raise OutageError (`STORAGE_UNAVAILABLE`, `STORAGE_THROTTLED`, `CREDENTIALS_EXPIRED`).
    Each write and read of small objects may raise PermanentError (`OUTPUT_FORBIDDEN`).
    """

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        """Streams an object into a file; the caller owns the file and its position is undefined after.

        Raises:
            PermanentError: `INPUT_FORBIDDEN`, `INPUT_TOO_LARGE`, `INPUT_CHANGED` (not the ETag asked for).
            TransientError: `INPUT_NOT_FOUND`.
            OutageError: also `SCRATCH_FULL`.
        """
        ...

    async def read(self, uri: str) -> StoredObject | None:
        """Reads a small object; None when there is none."""
        ...

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        """Writes with `If-None-Match: *`; the ETag, or None when an object is there already, which is left as it is."""
        ...

    async def write(self, uri: str, body: bytes, content_type: str) -> None:
        """Writes, replacing what is there."""
        ...

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        """Writes with `If-Match`; the new ETag, or None when the object has another ETag or is gone."""
        ...
