"""Records as they come from the broker and go to it."""

from __future__ import annotations

from dataclasses import dataclass

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker delivered it; nothing was decoded or dropped."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    part: int | None = None
    """Which one this is, from 0, of several in the record that the broker delivered; None stands for all of it."""
    timestamp_type: str = "CreateTime"
    """Whose clock the timestamp is of: the producer's, or with `LogAppendTime` the broker's."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record in our hands until it is settled or released."""

    record: Record
    epoch: int
    """The source's own; a delivery of an older epoch is no longer ours to settle."""


@dataclass(frozen=True, slots=True)
class OutboundRecord:
    """A record to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
