"""JSON as it comes from strangers: read strictly, and described without repeating what it holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from pydantic_core import from_json

from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode

EXPECTED: Final = (
    "expected a transcription request as JSON (at least 'input.uri'), a CloudEvent with one, an S3 notification"
    " ('Records') or an EventBridge 'Object Created'"
)
_SHOWN_NAMES: Final = 5
_SHOWN_NAME_CHARS: Final = 64


def invalid(found: str) -> PermanentError:
    """The error for what is no request."""
    return PermanentError(ErrorCode.REQUEST_INVALID, found)


def parse_json(value: bytes, what: str = "the record") -> Any:
    """Reads UTF-8 JSON; a byte order mark before it is passed over.

    Refused beyond what JSON itself refuses: repeated names in an object (which one was meant?), lone surrogates,
    nesting deeper than 200, integers of more than 4,300 digits.

    Raises:
        PermanentError: `REQUEST_INVALID`; says where.
    """
    if not value:
        raise invalid(f"{what} is empty; {EXPECTED}")
    text = value.removeprefix(b"\xef\xbb\xbf")
    try:
        # This parser bounds the depth and knows surrogates and NaN; the next one sees repeated names.
        from_json(text, allow_inf_nan=False)
        return json.loads(text, object_pairs_hook=_without_repeats)
    except ValueError as exc:
        raise invalid(f"{what} is no JSON: {exc}; {EXPECTED}") from exc


def describe(document: Any) -> str:
    """What a document is, in a few words: its type, and the names of an object's fields."""
    match document:
        case dict():
            return f"an object with {_names(document)}" if document else "an empty object"
        case list():
            return "an array"
        case str():
            return "a string"
        case None:
            return "null"
        case bool():
            return "a boolean"
        case _:
            return "a number"


def _names(names: Iterable[str]) -> str:
    shown = [repr(name[:_SHOWN_NAME_CHARS]) for name in names]
    more = f" and {len(shown) - _SHOWN_NAMES} more" if len(shown) > _SHOWN_NAMES else ""
    return f"{', '.join(shown[:_SHOWN_NAMES])}{more}"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((repeated, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{repeated[:_SHOWN_NAME_CHARS]!r} stands twice in one object")
    return found
