"""Places of records as they are written: `topic/partition/offset`, and ranges of offsets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PLACE: Final = re.compile(
    r"(?:(?P<topic>[A-Za-z0-9._-]{1,249})/)?(?P<partition>\d{1,9})/(?P<offset>\d{1,18})", re.ASCII
)
_RANGE: Final = re.compile(r"(?P<first>\d{1,18})?(?P<dash>-)?(?P<last>\d{1,18})?", re.ASCII)
_ENDLESS: Final = 2**63


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def read_place(text: str, topic: str = "") -> Place:
    """Reads a place; the topic may be left out where it is known.

    Raises:
        ValueError: it is none.
    """
    found = _PLACE.fullmatch(text)
    if found is None or not (found["topic"] or topic):
        raise ValueError(f"{text!r} is no place of a record; write PARTITION/OFFSET, or TOPIC/PARTITION/OFFSET")
    return Place(found["topic"] or topic, int(found["partition"]), int(found["offset"]))


def read_range(text: str) -> range:
    """Reads offsets: `7`, `7-12`, `7-` or `-12`; both ends are meant.

    Raises:
        ValueError: it is none of these, or ends before it begins.
    """
    found = _RANGE.fullmatch(text)
    if found is None or text in {"", "-"}:
        raise ValueError(f"{text!r} are no offsets; write 7, 7-12, 7- or -12, several with commas")
    first = int(found["first"] or 0)
    last = int(found["last"]) if found["last"] else _ENDLESS if found["dash"] else first
    if last < first:
        raise ValueError(f"the offsets {text!r} end before they begin")
    return range(first, last + 1)
