"""One object into one file: counted, hashed, and resumed where a connection is cut."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from consumer.adapters.s3_store.errors import input_error
from consumer.adapters.s3_store.faults import FOREIGN, Fault, fault_of
from consumer.adapters.s3_store.pace import Pace
from consumer.core.disk import disk_error
from consumer.core.failures import JobError, OutageError, PermanentError
from consumer.core.speech import FetchedObject
from contracts.errors import ErrorCode
from contracts.requests import Input, split_s3_uri

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectOutputTypeDef, GetObjectRequestTypeDef

_CHUNK_BYTES: Final = 1024 * 1024


def unquoted(etag: str) -> str:
    """An ETag as notifications give it: without quotes and without the mark of a weak one."""
    return etag.removeprefix("W/").strip('"')


@dataclass(slots=True)
class Download:
    """The state of one fetch; use once."""

    client: S3Client
    source: Input
    into: IO[bytes]
    max_bytes: int
    pace: Pace
    received: int = 0
    total: int | None = None
    etag: str | None = None
    version_id: str | None = None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    async def run(self) -> FetchedObject:
        """Fetches the whole object; raises as `Store.fetch` does."""
        while not self._is_complete:
            try:
                await self._fetch_rest()
            except FOREIGN as exc:
                self._check_resumable(exc)
        return FetchedObject(self.received, self.digest.hexdigest(), self.etag or "", self.version_id)

    @property
    def _is_complete(self) -> bool:
        return self.total is not None and self.received >= self.total

    def _check_resumable(self, error: Exception) -> None:
        # The client repeats a request that got no answer; only a body that breaks off is ours to go on with.
        is_cut = self.total is not None and fault_of(error) is Fault.UNAVAILABLE
        if not (is_cut and self.pace.may_resume()):
            raise input_error(error, self.source.uri) from error

    async def _fetch_rest(self) -> None:
        response = await self.client.get_object(**self._request())
        body = response["Body"]
        async with body:  # gives the bare response, which does not check that all came
            self._check(response)
            while chunk := await body.read(_CHUNK_BYTES):
                await self._append(chunk)

    def _request(self) -> GetObjectRequestTypeDef:
        bucket, key = split_s3_uri(self.source.uri)
        request: GetObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
        wanted = self.etag or self.source.etag
        if wanted is not None:
            request["IfMatch"] = f'"{unquoted(wanted)}"'
        if self.source.version_id is not None:
            request["VersionId"] = self.source.version_id
        if self.received:
            request["Range"] = f"bytes={self.received}-"
        return request

    def _check(self, response: GetObjectOutputTypeDef) -> None:
        etag = unquoted(response["ETag"])
        wanted = self.etag or self.source.etag
        if wanted is not None and unquoted(wanted) != etag:
            raise self._refusal(ErrorCode.INPUT_CHANGED, f"holds ETag {etag}, not the {unquoted(wanted)} asked for")
        if self.received and not response.get("ContentRange", "").startswith(f"bytes {self.received}-"):
            raise OutageError(ErrorCode.STORAGE_UNAVAILABLE, f"{self.source.uri}: the store does not resume downloads")
        self.etag = etag
        self.version_id = response.get("VersionId")
        self.total = self.received + response["ContentLength"]
        self._check_size(self.total)

    async def _append(self, chunk: bytes) -> None:
        self._check_size(self.received + len(chunk))
        writing = asyncio.ensure_future(asyncio.to_thread(self._write, chunk))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The owner closes the file as soon as we are gone; a thread must not write to it then.
            await asyncio.wait([writing])
            raise
        except OSError as exc:
            raise disk_error(exc, "the fetched file cannot be kept") from exc
        self.received += len(chunk)
        self.pace.advance(len(chunk))

    def _write(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.into.write(chunk)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.max_bytes:
            fact = f"holds {size_bytes} bytes and {self.max_bytes} are allowed (STENO_MEDIA__MAX_BYTES)"
            raise self._refusal(ErrorCode.INPUT_TOO_LARGE, fact)

    def _refusal(self, code: ErrorCode, fact: str) -> JobError:
        return PermanentError(code, f"{self.source.uri}: {fact}")
