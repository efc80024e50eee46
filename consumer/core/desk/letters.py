"""A dead letter as the desk speaks of it: where it stands, whose it is, why it is there. Its value is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from consumer.core.deadletters import replay_count
from consumer.core.desk.headers import FailureHeaders
from consumer.core.desk.places import Place, read_place
from consumer.core.desk.subjects import Subject, subject_of
from consumer.core.intake.readings import IntakeRules
from consumer.core.records import Record

NO_CODE: Final = "-"
"""Of a record that says nothing of a failure."""

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CLASS: Final = re.compile(r"([\w.$]+[.$])?(?P<name>[A-Za-z_]\w{0,127})")
_COUNT: Final = re.compile(r"\d{1,9}")
_SIZE: Final = re.compile(r"\d{1,18}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record first stood."""

    topic: str
    partition: int | None
    offset: int | None

    def __str__(self) -> str:
        return self.topic if self.partition is None else f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Cut:
    """What is missing of a record that was too large for its dead-letter topic."""

    size_bytes: int | None
    """Of the whole value."""
    place: Place | None
    """Where the whole record stood when it was set aside."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of a dead-letter topic. Texts are as they came: not fit for a terminal."""

    place: Place
    timestamp_ms: int
    """When it was set aside, by the clock of who did or of the broker."""
    code: str
    """Ours; of others the name of the exception's class; `-` where nothing is said."""
    message: str
    exception: str | None
    """The class in full, the cause rather than its wrapper."""
    subject: Subject
    attempts: int | None
    replays: int
    origin: Origin | None
    first_failure_at: str | None
    worker: str | None
    group: str | None
    size_bytes: int | None
    """Of its value; None where there is none."""
    cut: Cut | None

    @property
    def set_aside_at(self) -> datetime:
        """The time of `timestamp_ms`."""
        return _EPOCH + timedelta(milliseconds=min(max(self.timestamp_ms, 0), _LAST_MS))


def read_letter(record: Record, rules: IntakeRules) -> DeadLetter:
    """Reads whatever stands on a dead-letter topic. Never raises: what is illegible is left open."""
    said = FailureHeaders(record.headers)
    exception = _exception(said)
    return DeadLetter(
        place=Place(record.topic, record.partition, record.offset),
        timestamp_ms=record.timestamp_ms,
        code=_code(said, exception),
        message=_message(said) or "",
        exception=exception,
        subject=subject_of(record, rules),
        attempts=_attempts(said),
        replays=replay_count(record),
        origin=_origin(said),
        first_failure_at=said.text("x-steno-first-failure-at"),
        worker=said.text("x-steno-worker"),
        group=said.text(*_spring("original-consumer-group")),
        size_bytes=None if record.value is None else len(record.value),
        cut=_cut(dict(record.headers)),
    )


def _spring(name: str) -> tuple[str, str]:
    """The header as the recoverer of dead letters calls it, and as retry topics do."""
    return f"kafka_dlt-{name}", f"kafka_{name}"


def _exception(said: FailureHeaders) -> str | None:
    names = ("exception-cause-fqcn", "exception-fqcn", "key-exception-fqcn")
    return said.text(*(spring for name in names for spring in _spring(name)))


def _message(said: FailureHeaders) -> str | None:
    """Of a key that Spring could not read the message has a name of its own."""
    return said.text("x-steno-error-message", *_spring("exception-message"), *_spring("key-exception-message"))


def _code(said: FailureHeaders, exception: str | None) -> str:
    ours = said.text("x-steno-error-code") or ""
    if _CODE.fullmatch(ours):
        return ours
    found = _CLASS.fullmatch(exception or "")
    return found["name"] if found else NO_CODE


def _attempts(said: FailureHeaders) -> int | None:
    ours = said.text("x-steno-attempt") or ""
    if _COUNT.fullmatch(ours):
        return int(ours)
    spring = said.last_integer("retry_topic-attempts")
    if spring is None:
        return said.last_integer("kafka_deliveryAttempt")
    # Retry topics count the attempt to come, on their dead-letter topic, too; a recoverer adds none to a hop's.
    is_one_ahead = said.first_text("kafka_dlt-original-topic") is None
    return max(spring - is_one_ahead, 1)


def _origin(said: FailureHeaders) -> Origin | None:
    """From one dialect alone: the retry topics' names the very first place, the recoverer's may name a retry topic."""
    for dialect in ("kafka_original-", "kafka_dlt-original-"):
        if topic := said.first_text(f"{dialect}topic"):
            partition, offset = said.first_integer(f"{dialect}partition", 4), said.first_integer(f"{dialect}offset", 8)
            return Origin(topic, partition, offset) if None not in {partition, offset} else Origin(topic, None, None)
    topic = said.first_text("x-original-topic")
    return Origin(topic, None, None) if topic else None


def _cut(headers: Mapping[str, bytes | None]) -> Cut | None:
    if "x-steno-truncated" not in headers:
        return None
    size = (headers["x-steno-truncated"] or b"").decode("ascii", "replace")
    try:
        place = read_place((headers.get("x-steno-truncated-at") or b"").decode("ascii", "replace"))
    except ValueError:
        place = None
    return Cut(int(size) if _SIZE.fullmatch(size) else None, place)
