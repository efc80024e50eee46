"""Values and headers of strangers as a person may read them: legible, and without what signs a URL."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from consumer.core.masking import MASK, without_credentials

_QUERY: Final = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>?#]*\?)[^\s\"'<>]+")
_MOST_BYTES: Final = 64 * 1024
_INTEGERS: Final = re.compile(
    r"kafka_(dlt-)?original-(partition|offset|timestamp)|retry_topic-.*|kafka_deliveryAttempt"
)
_LONGEST_INTEGER: Final = 8


def masked(text: str) -> str:
    """The text with the query string, name and password of each URL masked: a presigned one opens the object."""
    return _QUERY.sub(rf"\1{MASK}", without_credentials(text))


def shown_value(value: bytes | None) -> str:
    """A value: JSON indented, other text as it is, anything else escaped with its length; long ones are cut."""
    if value is None:
        return "none"
    document = _document(value)
    if document is not None:
        return masked(json.dumps(document[0], indent=2, ensure_ascii=False))
    return shown_bytes(value)


def shown_bytes(value: bytes | None) -> str:
    r"""Text as it is, bytes that are none with `\xff` for each, after their length."""
    if value is None:
        return "none"
    try:
        text, how = value[:_MOST_BYTES].decode(), "text"
    except UnicodeDecodeError:
        text, how = value[:_MOST_BYTES].decode("utf-8", "backslashreplace"), "bytes that are no text"
    more = f", the first {_MOST_BYTES} shown" if len(value) > _MOST_BYTES else ""
    return masked(text) if how == "text" and not more else f"{len(value)} {how}{more}: {masked(text)}"


def shown_header(name: str, value: bytes | None) -> str:
    """A header's value; integers of both Spring dialects as numbers."""
    if value is not None and 0 < len(value) <= _LONGEST_INTEGER and _INTEGERS.fullmatch(name):
        return str(int.from_bytes(value, "big", signed=True))
    return shown_bytes(value)


def _document(value: bytes) -> tuple[Any] | None:
    try:
        return (json.loads(value),)
    except (ValueError, RecursionError):
        return None
