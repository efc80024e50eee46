"""Object keys as notifications spell them.

AWS and MinIO form-encode the key (a space is `+`, a plus sign `%2B`), Ceph and VersityGW send it raw, and the two
cannot be told apart: `a+b.wav` is right in both. So the deployment says which, and MinIO's raw `Key` beside settles it.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import unquote_plus

from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode


class KeyEncoding(StrEnum):
    """How keys stand in S3 notifications."""

    FORM = "form"
    """`application/x-www-form-urlencoded`, as AWS does."""
    RAW = "raw"
    """As they are."""


def decode_key(key: str, encoding: KeyEncoding) -> str:
    """The key as the store knows it.

    A percent sign that begins no escape stands for itself.

    Raises:
        PermanentError: `REQUEST_INVALID`; the escapes are no UTF-8.
    """
    if encoding is KeyEncoding.RAW:
        return key
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as exc:
        text = (
            "s3.object.key: its escapes are no UTF-8; if the store sends raw keys, set STENO_INTAKE__KEY_ENCODING=raw"
        )
        raise PermanentError(ErrorCode.REQUEST_INVALID, text) from exc


def raw_key(bucket: str, key: str, shown: object) -> str | None:
    """The key from a raw `bucket/key` beside the record, if that names the same object; else None."""
    prefix = f"{bucket}/"
    if not isinstance(shown, str) or not shown.startswith(prefix):
        return None
    raw = shown.removeprefix(prefix)
    return raw if raw in (key, unquote_plus(key)) else None
