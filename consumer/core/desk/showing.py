"""Values and headers of strangers as a person may read them: legible, and without what signs a URL."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from consumer.core.masking import MASK, without_credentials

_QUERY: Final = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s\"'<>?#]*\?)[^\s\"'<>]+")
_MOST_CHARS: Final = 64 * 1024
_INTEGERS: Final = re.compile(
    r"kafka_(dlt-)?original-(partition|offset|timestamp)|retry_topic-.*|kafka_deliveryAttempt"
)
_LONGEST_INTEGER: Final = 8


def masked(text: str) -> str:
    """The text with the query string, name and password of each URL masked: a presigned one opens the object.

    A long text is cut, because looking for URLs takes more than linear time where somebody means ill; so is the word
    at its end then, which might be half a URL.
    """
    if len(text) > _MOST_CHARS:
        whole = text[:_MOST_CHARS].rsplit(None, 1)[:-1]
        text = f"{''.join(whole)} …"
    return without_credentials(_QUERY.sub(rf"\1{MASK}", text))


def shown_value(value: bytes | None) -> str:
    """A value: JSON indented, other text as it is, anything else escaped after its length; a long one is cut."""
    document = None if value is None or len(value) > _MOST_CHARS else _document(value)
    if document is None:
        return shown_bytes(value)
    return masked(json.dumps(document[0], indent=2, ensure_ascii=False))


def shown_bytes(value: bytes | None) -> str:
    r"""Text as it is, bytes that are none with `\xff` for each, after their length."""
    if value is None:
        return "none"
    try:
        text, what = value.decode(), ""
    except UnicodeDecodeError:
        text, what = value.decode("utf-8", "backslashreplace"), " that are no text"
    if not what and len(text) <= _MOST_CHARS:
        return masked(text)
    return f"{len(value)} bytes{what}: {masked(text)}"


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
