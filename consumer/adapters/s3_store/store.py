"""The store port over S3: small objects with conditions, large ones as streams."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self

import aioboto3
from botocore.exceptions import ClientError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from consumer.adapters.s3_store.client import StoreConfig, open_client
from consumer.adapters.s3_store.download import Download, unquoted
from consumer.adapters.s3_store.errors import input_error, output_error, words_of
from consumer.adapters.s3_store.faults import FOREIGN, Fault, fault_of
from consumer.adapters.s3_store.pace import Pace
from consumer.core.failures import ExitCode, FatalError
from consumer.core.locations import split_writable
from consumer.core.speech import FetchedObject
from consumer.ports import StoredObject
from contracts.requests import Input, split_s3_uri

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectOutputTypeDef, PutObjectRequestTypeDef

_CONFLICT_TRIES: Final = 5
_CONFLICT_PAUSE_S: Final = 0.1
_SETTINGS: Final = "check AWS_ENDPOINT_URL_S3, AWS_REGION and AWS_PROFILE"


class S3Store:
    """Objects over S3's API; open it as an async context manager.

    Credentials, region and endpoint come from the session, which by default means `AWS_*` and AWS's other places.
    """

    def __init__(
        self, session: aioboto3.Session | None = None, *, endpoint_url: str | None = None,
        config: StoreConfig | None = None,
    ) -> None:  # fmt: skip
        """Connects to nothing yet."""
        self._session = session
        self._endpoint_url = endpoint_url
        self._config = config or StoreConfig()
        self._limits = self._config.limits
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Builds the client; no request is made.

        Raises:
            FatalError: `BAD_SETTINGS`; the `AWS_*` settings do not make a client.
        """
        try:
            session = self._session or aioboto3.Session()
            opening = open_client(session, self._endpoint_url, self._config)
            self._client: S3Client = await self._resources.enter_async_context(opening)
        except (*FOREIGN, ValueError) as exc:
            raise FatalError(
                ExitCode.BAD_SETTINGS, f"the AWS settings do not fit: {words_of(exc)}; {_SETTINGS}"
            ) from exc
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

    async def time(self, bucket: str) -> datetime | None:
        """The store's clock, to the second, from whatever it answers; None where it does not tell.

        Raises:
            OutageError: it does not answer.
        """
        try:
            async with asyncio.timeout(self._limits.call_s):
                headers = (await self._client.head_bucket(Bucket=bucket))["ResponseMetadata"]["HTTPHeaders"]
        except ClientError as exc:  # who is refused is told the time as well, and may be refused for it
            headers = exc.response["ResponseMetadata"]["HTTPHeaders"]
        except FOREIGN as exc:
            raise output_error(exc, f"s3://{bucket}/", self._config.own) from exc
        return _date(headers)

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        """As the port says. Resumes a cut download, always of the same object, and gives up one that drips."""
        clock, call_s = asyncio.get_running_loop().time, self._limits.call_s
        try:
            async with asyncio.timeout(call_s) as deadline:
                pace = Pace(self._limits, lambda: deadline.reschedule(clock() + call_s))
                return await Download(self._client, source, into, max_bytes, pace).run()
        except TimeoutError as exc:
            raise input_error(exc, source.uri) from exc

    async def read(self, uri: str) -> StoredObject | None:
        """As the port says."""
        bucket, key = split_s3_uri(uri)
        try:
            async with asyncio.timeout(self._limits.call_s):
                response = await self._client.get_object(Bucket=bucket, Key=key)
                async with response["Body"]:
                    return StoredObject(await response["Body"].read(), unquoted(response["ETag"]), _age_s(response))
        except FOREIGN as exc:
            if fault_of(exc) is Fault.NO_OBJECT:
                return None
            raise output_error(exc, uri, self._config.own) from exc

    async def create(self, uri: str, body: bytes, content_type: str) -> str | None:
        """As the port says. When the answer to a write of ours was lost, the repetition reports None."""
        try:
            return await self._put(self._request(uri, body, content_type) | {"IfNoneMatch": "*"})
        except FOREIGN as exc:
            if fault_of(exc) is Fault.CHANGED:
                return None
            raise output_error(exc, uri, self._config.own) from exc

    async def write(self, uri: str, body: bytes, content_type: str) -> None:
        """As the port says."""
        try:
            await self._put(self._request(uri, body, content_type))
        except FOREIGN as exc:
            raise output_error(exc, uri, self._config.own) from exc

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        """As the port says."""
        try:
            return await self._put(self._request(uri, body, content_type) | {"IfMatch": f'"{unquoted(etag)}"'})
        except FOREIGN as exc:
            if fault_of(exc) not in {Fault.CHANGED, Fault.NO_OBJECT}:
                raise output_error(exc, uri, self._config.own) from exc
            was_repeated = isinstance(exc, ClientError) and exc.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
        return await self._etag_of_ours(uri, body) if was_repeated else None

    async def _etag_of_ours(self, uri: str, body: bytes) -> str | None:
        # The answer to a write may be lost: its repetition then meets the ETag that the first one made.
        found = await self.read(uri)
        return found.etag if found is not None and found.body == body else None

    async def _put(self, request: PutObjectRequestTypeDef) -> str:
        async with asyncio.timeout(self._limits.call_s):
            try:
                response = await self._client.put_object(**request)
            except ClientError as exc:
                if fault_of(exc) is not Fault.CONFLICT:
                    raise
                # Two writers under a condition at once: one of them is told to come again.
                async for attempt in _conflict_tries():
                    with attempt:
                        response = await self._client.put_object(**request)
        return unquoted(response["ETag"])

    def _request(self, uri: str, body: bytes, content_type: str) -> PutObjectRequestTypeDef:
        bucket, key = split_writable(uri)
        request: PutObjectRequestTypeDef = {"Bucket": bucket, "Key": key, "Body": body, "ContentType": content_type}
        if self._config.encryption:
            request["ServerSideEncryption"] = self._config.encryption
        if self._config.kms_key_id:
            request["SSEKMSKeyId"] = self._config.kms_key_id
        return request


def _date(headers: Mapping[str, str]) -> datetime | None:
    """When the store answered, by its own clock."""
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _age_s(response: GetObjectOutputTypeDef) -> float | None:
    answered = _date(response["ResponseMetadata"]["HTTPHeaders"])
    if answered is None or "LastModified" not in response:
        return None
    return (answered - response["LastModified"]).total_seconds()


def _conflict_tries() -> AsyncRetrying:
    """The tries after the first one, made only when needed, for making them costs as much as a request."""
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, ClientError) and fault_of(error) is Fault.CONFLICT),
        stop=stop_after_attempt(_CONFLICT_TRIES - 1),
        wait=wait_random_exponential(multiplier=_CONFLICT_PAUSE_S),
        reraise=True,
    )
