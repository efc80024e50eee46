"""The store port over S3: small objects with conditions, large ones as streams."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import add_expect_header

from consumer.adapters.s3_store.download import Download, unquoted
from consumer.adapters.s3_store.errors import FOREIGN, Fault, fault_of, input_error, output_error
from consumer.core.failures import ExitCode, FatalError
from consumer.core.locations import split_writable
from consumer.core.speech import FetchedObject
from consumer.ports import StoredObject
from contracts.requests import Input, split_s3_uri

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import PutObjectRequestTypeDef

_CONFLICT_TRIES: Final = 5
_CONFLICT_PAUSE_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the store may take."""

    connect_s: float = 5.0
    silence_s: float = 30.0
    """Longest time without a byte while an answer is awaited."""
    call_s: float = 90.0
    """Longest time for one call of the port, its repetitions included; a fetch gets more, by its size."""
    slowest_bytes_per_s: int = 64 * 1024
    attempts: int = 4
    """Of one HTTP request, with the client's own growing pauses between."""
    resumes: int = 3
    """How often a fetch goes on after its connection was cut."""


class S3Store:
    """Objects over S3's API; open it as an async context manager.

    Credentials, region and endpoint come from the session, which by default means `AWS_*` and AWS's other places.
    """

    def __init__(
        self, session: aioboto3.Session | None = None, *, endpoint_url: str | None = None, limits: Limits | None = None
    ) -> None:
        """Connects to nothing yet."""
        self._session = session
        self._endpoint_url = endpoint_url
        self._limits = limits or Limits()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Builds the client; no request is made.

        Raises:
            FatalError: `BAD_SETTINGS`; the `AWS_*` settings do not make a client.
        """
        try:
            session = self._session or aioboto3.Session()
            client = session.client("s3", endpoint_url=self._endpoint_url, config=_config(self._limits))
            self._client: S3Client = await self._resources.enter_async_context(client)
            # `Expect: 100-continue` costs a round trip, and a store or proxy that does not know it lets us hang.
            self._client.meta.events.unregister("before-call.s3", add_expect_header)
        except (BotoCoreError, ValueError) as exc:
            raise FatalError(ExitCode.BAD_SETTINGS, f"the AWS settings do not fit: {exc}") from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all connections."""
        await self._resources.aclose()

    @property
    def endpoint_url(self) -> str:
        """Where requests go."""
        return self._client.meta.endpoint_url

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        """As the port says. Resumes a cut download, always of the same object."""
        limit_s = self._limits.call_s + max_bytes / self._limits.slowest_bytes_per_s
        try:
            async with asyncio.timeout(limit_s):
                return await Download(self._client, source, into, max_bytes, self._limits.resumes).run()
        except TimeoutError as exc:
            raise input_error(exc, source.uri) from exc

    async def read(self, uri: str) -> StoredObject | None:
        """As the port says."""
        bucket, key = split_s3_uri(uri)
        try:
            async with asyncio.timeout(self._limits.call_s):
                response = await self._client.get_object(Bucket=bucket, Key=key)
                async with response["Body"]:
                    return StoredObject(await response["Body"].read(), unquoted(response["ETag"]))
        except FOREIGN as exc:
            if fault_of(exc) is Fault.NO_OBJECT:
                return None
            raise output_error(exc, uri) from exc

    async def create(self, uri: str, body: bytes, content_type: str) -> bool:
        """As the port says. When the answer to a write of ours was lost, the repetition reports False."""
        try:
            await self._put(_put(uri, body, content_type) | {"IfNoneMatch": "*"})
        except FOREIGN as exc:
            if fault_of(exc) is Fault.CHANGED:
                return False
            raise output_error(exc, uri) from exc
        return True

    async def write(self, uri: str, body: bytes, content_type: str) -> None:
        """As the port says."""
        try:
            await self._put(_put(uri, body, content_type))
        except FOREIGN as exc:
            raise output_error(exc, uri) from exc

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        """As the port says."""
        try:
            return await self._put(_put(uri, body, content_type) | {"IfMatch": f'"{unquoted(etag)}"'})
        except FOREIGN as exc:
            if fault_of(exc) not in {Fault.CHANGED, Fault.NO_OBJECT}:
                raise output_error(exc, uri) from exc
            was_repeated = isinstance(exc, ClientError) and exc.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
        return await self._etag_of_ours(uri, body) if was_repeated else None

    async def _etag_of_ours(self, uri: str, body: bytes) -> str | None:
        # The answer to a write may be lost: its repetition then meets the ETag that the first one made.
        found = await self.read(uri)
        return found.etag if found is not None and found.body == body else None

    async def _put(self, request: PutObjectRequestTypeDef) -> str:
        async with asyncio.timeout(self._limits.call_s):
            for attempt in range(1, _CONFLICT_TRIES):
                try:
                    return unquoted((await self._client.put_object(**request))["ETag"])
                except ClientError as exc:
                    if fault_of(exc) is not Fault.CONFLICT:
                        raise
                await asyncio.sleep(random.uniform(0.5, 1.0) * _CONFLICT_PAUSE_S * 2**attempt)
            return unquoted((await self._client.put_object(**request))["ETag"])


def _config(limits: Limits) -> AioConfig:
    # SigV4 signs the body, which is checksum enough; newer default checksums (aws-chunked trailers) fail on stores
    # that do not know them. Path style on a custom endpoint is botocore's own default.
    return AioConfig(
        signature_version="s3v4",
        connect_timeout=limits.connect_s,
        read_timeout=limits.silence_s,
        retries={"mode": "standard", "total_max_attempts": limits.attempts},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=50,
    )


def _put(uri: str, body: bytes, content_type: str) -> PutObjectRequestTypeDef:
    bucket, key = split_writable(uri)
    return {"Bucket": bucket, "Key": key, "Body": body, "ContentType": content_type}
