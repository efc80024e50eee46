"""The journal's pages: what became of dead letters, a thousand offsets of one partition on each.

An entry is first a claim, written before anything is sent, and then done, written once the copy is confirmed. Who
meets another's claim leaves the record alone until the claim is so old that its run must have broken off. Then the
copy may be there or not: it is sent again, and what comes of it bears the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumer.core.desk.letters import DeadLetter

PAGE_OFFSETS: Final = 1000
CLAIM_LIFE: Final = timedelta(minutes=3)
"""Longer than a run takes for what it claims at once, its waits for broker and store included."""
_VERSION: Final = 1


class Deed(StrEnum):
    """What is done with a dead letter."""

    REPLAYED = "replayed"
    PARKED = "parked"
    DROPPED = "dropped"


class Standing(StrEnum):
    """How a dead letter stands."""

    OPEN = "open"
    BUSY = "busy"
    """Another run is at it."""
    DOUBTFUL = "doubtful"
    """A run broke off at it: a copy may have been sent."""
    HANDLED = "handled"
    UNKNOWN = "unknown"
    """The journal cannot be had."""


class Entry(BaseModel):
    """What was done with one record, or is being done."""

    model_config = ConfigDict(frozen=True)

    timestamp_ms: int
    """The record's own: an offset that was given anew, in a topic made again, is another record."""
    deed: Deed
    at: datetime
    run: str
    """Which run of the desk; unique."""
    by: str = ""
    """Who, for people."""
    to: str | None = None
    """Topic of the copy."""
    replays: int = 0
    """The replay count of the copy."""
    is_done: bool = False
    """False for a claim."""


class _Document(BaseModel):
    version: int = Field(_VERSION, le=_VERSION)
    topic: str
    topic_id: str
    records: dict[int, Entry]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a run would write before it does anything."""

    letter: DeadLetter
    expected: Entry | None
    """What was known when it was decided to do it."""
    entry: Entry


@dataclass(frozen=True, slots=True)
class Page:
    """Entries by offset."""

    topic: str
    topic_id: str
    """The broker's, `-` where it gives none."""
    records: Mapping[int, Entry] = field(default_factory=dict)

    def entry(self, letter: DeadLetter) -> Entry | None:
        """What is known of a letter."""
        entry = self.records.get(letter.place.offset)
        return entry if entry is not None and entry.timestamp_ms == letter.timestamp_ms else None

    def standing(self, letter: DeadLetter, now: datetime) -> Standing:
        """How it stands; `now` is the store's time."""
        entry = self.entry(letter)
        if entry is None:
            return Standing.OPEN
        if entry.is_done:
            return Standing.HANDLED
        return Standing.BUSY if now - entry.at < CLAIM_LIFE else Standing.DOUBTFUL

    def claimed(self, wanted: Iterable[Claim]) -> Page:
        """With these claims, but for what has changed since somebody looked: that is whoever's changed it."""
        won = {claim.letter.place.offset: claim.entry for claim in wanted if self.entry(claim.letter) == claim.expected}
        return replace(self, records={**self.records, **won}) if won else self

    def closed(self, done: Iterable[Claim], undone: Iterable[Claim], now: datetime) -> Page:
        """With claims fulfilled, or taken back; those that somebody has taken over are left."""
        records: dict[int, Entry | None] = dict(self.records)
        for claim in done:
            if self.holds(claim):
                records[claim.letter.place.offset] = claim.entry.model_copy(update={"is_done": True, "at": now})
        for claim in undone:
            if self.holds(claim):
                records[claim.letter.place.offset] = claim.expected
        return replace(self, records={offset: entry for offset, entry in records.items() if entry is not None})

    def holds(self, claim: Claim) -> bool:
        """Whether a claim stands as it was made."""
        return self.records.get(claim.letter.place.offset) == claim.entry

    def render(self) -> bytes:
        """As it is stored."""
        records = {str(offset): self.records[offset].model_dump(mode="json") for offset in sorted(self.records)}
        document = {"version": _VERSION, "topic": self.topic, "topic_id": self.topic_id, "records": records}
        return json.dumps(document, separators=(",", ":")).encode()


def read_page(body: bytes) -> Page:
    """Reads a stored page.

    Raises:
        ValueError: it is none, or of a newer version.
    """
    try:
        found = _Document.model_validate_json(body)
    except ValidationError as exc:
        fault = exc.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from exc
    return Page(found.topic, found.topic_id, found.records)
