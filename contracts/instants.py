"""Points in time as documents tell them: RFC 3339, with the offset from UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
_RFC_3339: Final = re.compile(_PATTERN)


def _is_rfc_3339(value: object) -> object:
    # pydantic alone would also take a number of seconds for a time, which a typo makes of many things.
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError("expected a time with its offset from UTC, such as 2030-01-31T09:00:00Z")


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("a time that is out of range in UTC") from exc


Instant = Annotated[
    AwareDatetime,
    Field(strict=False),  # or text would be refused once our own function has looked at it
    AfterValidator(_in_utc),
    BeforeValidator(_is_rfc_3339),
    Field(json_schema_extra={"pattern": _PATTERN}),
]
"""A point in time, in UTC whatever offset it was written with."""
