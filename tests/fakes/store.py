"""The store port in memory: every bucket exists, every object keeps its versions."""

from __future__ import annotations

import hashlib
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from consumer.core.failures import JobError, PermanentError, TransientError
from consumer.core.locations import split_writable
from consumer.core.speech import FetchedObject
from consumer.ports import StoredObject
from contracts.errors import ErrorCode
from contracts.requests import Input


def _etag_of(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@dataclass
class FakeStore:
    """Passes the conformance suite of the port; fails on demand."""

    versions: dict[str, list[bytes]] = field(default_factory=dict)
    """Every body an object ever had, by URI, oldest first."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Method and URI of every call, in order."""
    clock: Callable[[], float] | None = time.monotonic
    """The store's own, in seconds; None for a store that tells no age."""
    _written_at: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, list[JobError]] = field(default_factory=lambda: defaultdict(list))

    @property
    def objects(self) -> dict[str, bytes]:
        """What each object holds now, by URI."""
        return {uri: bodies[-1] for uri, bodies in self.versions.items()}

    def put(self, uri: str, body: bytes) -> str:
        """Places an object as a producer would; its version id."""
        self.versions.setdefault(uri, []).append(body)
        if self.clock is not None:
            self._written_at[uri] = self.clock()
        return str(len(self.versions[uri]) - 1)

    def fail_next(self, method: str, *errors: JobError) -> None:
        """Lets the next calls of that method fail, each with one of the errors."""
        self._failures[method].extend(errors)

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        self._enter("fetch", source.uri)
        body = self._version(source)
        etag = _etag_of(body)
        if source.etag is not None and source.etag.strip('"') != etag:
            raise PermanentError(ErrorCode.INPUT_CHANGED, f"{source.uri}: holds another ETag")
        if len(body) > max_bytes:
            raise PermanentError(ErrorCode.INPUT_TOO_LARGE, f"{source.uri}: too large")
        into.write(body)
        return FetchedObject(len(body), hashlib.sha256(body).hexdigest(), etag, source.version_id)

    async def read(self, uri: str) -> StoredObject | None:
        self._enter("read", uri)
        body = self.objects.get(uri)
        return None if body is None else StoredObject(body, _etag_of(body), self._age_s(uri))

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:  # noqa: ARG002
        split_writable(uri)
        self._enter("create", uri)
        if uri in self.versions:
            return None
        self.put(uri, body)
        return _etag_of(body)

    async def write(self, uri: str, body: bytes, content_type: str) -> None:  # noqa: ARG002 - the port's
        split_writable(uri)
        self._enter("write", uri)
        self.put(uri, body)

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:  # noqa: ARG002
        split_writable(uri)
        self._enter("replace", uri)
        if uri not in self.versions or _etag_of(self.objects[uri]) != etag.strip('"'):
            return None
        self.put(uri, body)
        return _etag_of(body)

    def _age_s(self, uri: str) -> float | None:
        """As read off two clocks that show whole seconds."""
        return None if self.clock is None else math.floor(self.clock()) - math.floor(self._written_at[uri])

    def _version(self, source: Input) -> bytes:
        bodies = self.versions.get(source.uri, [])
        number = str(len(bodies) - 1) if source.version_id is None else source.version_id
        if number not in map(str, range(len(bodies))):
            raise TransientError(ErrorCode.INPUT_NOT_FOUND, f"{source.uri}: there is no such object")
        return bodies[int(number)]

    def _enter(self, method: str, uri: str) -> None:
        self.calls.append((method, uri))
        if self._failures[method]:
            raise self._failures[method].pop(0)
