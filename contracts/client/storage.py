"""The object store as a client meets it: files go up, documents come down."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aioboto3
from aiobotocore.config import AioConfig
from botocore import exceptions as boto
from botocore.handlers import add_expect_header

from contracts.client.config import ClientConfig
from contracts.client.errors import STORAGE_ERRORS, ClientError, storage_error
from contracts.client.judgement import Sight
from contracts.client.uploads import Encryption, OnBytes, Upload, content_type, key_name
from contracts.requests import split_s3_uri

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import GetObjectOutputTypeDef

_CONNECTIONS: Final = 32
"""As many as a listing of jobs reads at once."""
_ABSENT: Final = frozenset(("NoSuchKey", "NoSuchBucket", "AccessDenied", "404", "403"))
"""Who may not list a bucket is told 403 of an object that is not there."""


class Storage:
    """Files up, documents down; each call is bounded in time by the client's own timeouts and retries."""

    def __init__(self, s3: S3Client, encryption: Encryption) -> None:
        """Borrows an open client; the encryption is asked for with every upload."""
        self._s3 = s3
        self._encryption = encryption

    @classmethod
    async def opened(cls, resources: AsyncExitStack, config: ClientConfig) -> Storage:
        """Builds the S3 client, which `resources` closes; no request is made.

        Raises:
            ClientError: the `AWS_*` settings do not make a client.
        """
        try:
            s3 = await resources.enter_async_context(aioboto3.Session().client("s3", config=_wire(config)))
        except (*STORAGE_ERRORS, ValueError) as exc:
            raise ClientError(f"the AWS settings do not fit: {exc}") from exc
        # A store or proxy that does not know `Expect: 100-continue` would let us hang.
        s3.meta.events.unregister("before-call.s3", add_expect_header)
        return cls(s3, Encryption(config.encryption, config.kms_key_id))

    async def upload(self, path: Path, prefix: str, on_progress: OnBytes | None = None) -> str:
        """Puts a file under the prefix, below an id of its own; returns its URI.

        Raises:
            ClientError: the file cannot be read; the store does not answer or refuses.
        """
        bucket, key_prefix = split_s3_uri(prefix)
        parts = (key_prefix.removesuffix("/"), uuid.uuid4().hex, key_name(path))
        key = "/".join(part for part in parts if part)
        uri = f"s3://{bucket}/{key}"
        upload = Upload(self._s3, bucket, key, content_type(path), self._encryption, on_progress)
        try:
            with path.open("rb") as file:
                await upload.run(file, os.fstat(file.fileno()).st_size)
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc
        except OSError as exc:
            raise ClientError(f"cannot read {path}: {exc.strerror or exc}") from exc
        return uri

    async def read(self, uri: str) -> bytes:
        """The whole object.

        Raises:
            ClientError: there is none; the store does not answer or refuses.
        """
        try:
            return await self._body(uri)
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc

    async def find(self, uri: str) -> bytes | None:
        """The whole object; None where it is not there, or where we may not know.

        Raises:
            ClientError: the store does not answer.
        """
        try:
            return await self._body(uri)
        except boto.ClientError as exc:
            if exc.response.get("Error", {}).get("Code") in _ABSENT:
                return None
            raise storage_error(exc, uri) from exc
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc

    async def look(self, uri: str) -> Sight | None:
        """A small object, and when it was written; None where it is not there.

        Raises:
            ClientError: the store does not answer or refuses; then nobody knows whether it is there.
        """
        bucket, key = split_s3_uri(uri)
        try:
            response = await self._s3.get_object(Bucket=bucket, Key=key)
            async with response["Body"]:
                return Sight(await response["Body"].read(), response["LastModified"], _age_s(response))
        except boto.ClientError as exc:
            if exc.response.get("Error", {}).get("Code") == "NoSuchKey":
                return None
            raise storage_error(exc, uri) from exc
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc

    async def write(self, uri: str, body: bytes, content_type: str) -> None:
        """Writes a small object, whatever is there.

        Raises:
            ClientError: the store does not answer or refuses.
        """
        bucket, key = split_s3_uri(uri)
        try:
            await self._s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, **self._encryption.fields()
            )
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, uri) from exc

    async def folders(self, prefix: str) -> list[str]:
        """Names of what would be folders under a prefix that ends in a slash.

        Raises:
            ClientError: the store does not answer or refuses.
        """
        bucket, key = split_s3_uri(prefix)
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, Delimiter="/")
            return [
                each["Prefix"].removeprefix(key).removesuffix("/")
                async for page in pages
                for each in page.get("CommonPrefixes", [])
            ]
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, prefix) from exc

    async def pages(self, prefix: str) -> AsyncGenerator[list[tuple[str, datetime]], None]:
        """Objects under a prefix that ends in a slash, page by page: what follows the prefix, and when it was written.

        Raises:
            ClientError: the store does not answer or refuses.
        """
        bucket, key = split_s3_uri(prefix)
        try:
            async for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
                yield [(each["Key"].removeprefix(key), each["LastModified"]) for each in page.get("Contents", [])]
        except STORAGE_ERRORS as exc:
            raise storage_error(exc, prefix) from exc

    async def _body(self, uri: str) -> bytes:
        bucket, key = split_s3_uri(uri)
        response = await self._s3.get_object(Bucket=bucket, Key=key)
        async with response["Body"]:
            return await response["Body"].read()


def _age_s(response: GetObjectOutputTypeDef) -> float:
    """By the store's own clock; by ours where it does not tell."""
    raw = response["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        answered = parsedate_to_datetime(raw)
    except ValueError:
        answered = datetime.now(UTC)
    return (answered - response["LastModified"]).total_seconds()


def _wire(config: ClientConfig) -> AioConfig:
    # SigV4 signs the body; newer default checksums fail on stores that do not know them.
    return AioConfig(
        signature_version="s3v4", s3={"addressing_style": config.addressing},
        connect_timeout=5, read_timeout=config.answer_timeout_s, retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=_CONNECTIONS,
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )  # fmt: skip
