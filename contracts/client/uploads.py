"""A local file becomes an object: its key, its type, its parts."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import mimetypes
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypedDict

from contracts.client.errors import STORAGE_ERRORS

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.literals import ServerSideEncryptionType
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

_PART_BYTES: Final = 8 * 1024 * 1024
_MOST_PARTS: Final = 10_000
_PARTS_AT_ONCE: Final = 4
_ABORT_PAUSES_S: Final = (0.1, 0.3, 1.0, 0.0)
_LONGEST_NAME_BYTES: Final = 200
_LONGEST_SUFFIX_BYTES: Final = 20
_ODD: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\\/{}^%`\[\]"<>~#|\ud800-\udfff\ufffe\uffff]')
"""What AWS advises against in a key, what XML cannot hold, and what is no text."""

OnBytes = Callable[[int, int], None]
"""Told after each part: bytes sent so far, and bytes in all. An exception out of it ends the upload."""


def key_name(path: Path) -> str:
    """The file's own name in a form that every store and listing takes: odd characters become `_`, long names short."""
    name = _ODD.sub("_", unicodedata.normalize("NFC", path.name)).strip() or "_"
    suffix = Path(name).suffix if len(Path(name).suffix.encode()) <= _LONGEST_SUFFIX_BYTES else ""
    stem = name.removesuffix(suffix).encode()[: _LONGEST_NAME_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore") + suffix


def content_type(path: Path) -> str:
    """The media type that the file's name suggests."""
    return mimetypes.guess_type(path.name, strict=False)[0] or "application/octet-stream"


class _EncryptionFields(TypedDict, total=False):
    ServerSideEncryption: ServerSideEncryptionType
    SSEKMSKeyId: str


@dataclass(frozen=True, slots=True)
class Encryption:
    """How the store is asked to encrypt an object."""

    algorithm: ServerSideEncryptionType | None = None
    """None leaves it to the bucket."""
    kms_key_id: str = ""

    def fields(self) -> _EncryptionFields:
        """What is said of it where an object is begun; its parts do not repeat it."""
        said: _EncryptionFields = {}
        if self.algorithm:
            said["ServerSideEncryption"] = self.algorithm
        if self.kms_key_id:
            said["SSEKMSKeyId"] = self.kms_key_id
        return said


@dataclass(slots=True)
class Upload:
    """One upload; use once. aioboto3's own keeps up to 800 MB in memory and hangs when a part fails early."""

    client: S3Client
    bucket: str
    key: str
    type: str
    encryption: Encryption
    on_progress: OnBytes | None = None
    _sent_bytes: int = 0
    _parts: list[CompletedPartTypeDef] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, file: IO[bytes], size_bytes: int) -> None:
        """Sends the file, in parts when it is large; an upload that fails leaves nothing behind."""
        if size_bytes <= _PART_BYTES:
            await self._send_whole(file, size_bytes)
            return
        begun = await self.client.create_multipart_upload(
            Bucket=self.bucket, Key=self.key, ContentType=self.type, **self.encryption.fields()
        )
        upload_id = begun["UploadId"]
        try:
            await self._send_all(file, size_bytes, upload_id)
            parts = sorted(self._parts, key=lambda part: part.get("PartNumber", 0))
            await self.client.complete_multipart_upload(
                Bucket=self.bucket, Key=self.key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            await self._abort(upload_id)
            raise

    async def _send_whole(self, file: IO[bytes], size_bytes: int) -> None:
        body = await asyncio.to_thread(file.read)
        await self.client.put_object(
            Bucket=self.bucket, Key=self.key, Body=body, ContentType=self.type, **self.encryption.fields()
        )
        self._tell(len(body), size_bytes)

    async def _abort(self, upload_id: str) -> None:
        # A part that was on its way may come in after an abort and stay: S3 asks to repeat it until nothing is left.
        # What went wrong first is what matters, and that the upload is gone is an error, too.
        with contextlib.suppress(*STORAGE_ERRORS):
            for pause_s in _ABORT_PAUSES_S:
                await self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=upload_id)
                await asyncio.sleep(pause_s)

    async def _send_all(self, file: IO[bytes], size_bytes: int, upload_id: str) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_PARTS_AT_ONCE):
                    group.create_task(self._send_parts(file, size_bytes, upload_id))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def _send_parts(self, file: IO[bytes], size_bytes: int, upload_id: str) -> None:
        part_bytes = max(_PART_BYTES, -(-size_bytes // _MOST_PARTS))
        while True:
            async with self._reading:
                number, body = next(self._numbers), await asyncio.to_thread(file.read, part_bytes)
            if not body:
                return
            sent = await self.client.upload_part(
                Bucket=self.bucket, Key=self.key, UploadId=upload_id, PartNumber=number, Body=body
            )
            self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
            self._tell(len(body), size_bytes)

    def _tell(self, sent_bytes: int, size_bytes: int) -> None:
        self._sent_bytes += sent_bytes
        if self.on_progress is not None:
            self.on_progress(self._sent_bytes, size_bytes)
