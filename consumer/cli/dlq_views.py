"""How dead letters look: documents for scripts, lines and tables for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from consumer.cli.printable import on_one_line, printable
from consumer.core.desk.showing import masked, shown_header, shown_value
from consumer.desk.reading import Found

COLUMNS: Final = ("place", "age", "code", "job", "tenant", "attempts", "replays", "state", "origin", "message")
_CHARS: Final = (12, 6, 24, 40, 16, 8, 7, 9, 40, 300)
_WIDEST: Final = 60
_MOST_ROWS: Final = 40
_NONE: Final = "-"
_STEPS: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"))


def cells(found: Found, now: datetime) -> tuple[str, ...]:
    """A dead letter as a line of the list, by column."""
    letter = found.letter
    fields = (
        f"{letter.place.partition}/{letter.place.offset}", age_of(now - letter.set_aside_at), letter.code,
        letter.subject.job_id, letter.subject.tenant, letter.attempts, letter.replays, state_of(found), letter.origin,
        masked(letter.message),
    )  # fmt: skip
    return tuple(_cut(_text(each), chars) for each, chars in zip(fields, _CHARS, strict=True))


def document(found: Found) -> dict[str, Any]:
    """A dead letter for a script."""
    letter, entry = found.letter, found.entry
    return {
        "place": str(letter.place), "topic": letter.place.topic, "partition": letter.place.partition,
        "offset": letter.place.offset, "set_aside_at": letter.set_aside_at.isoformat(timespec="milliseconds"),
        "code": letter.code, "message": masked(letter.message), "exception": letter.exception,
        "job_id": letter.subject.job_id, "tenant": letter.subject.tenant, "attempts": letter.attempts,
        "replays": letter.replays, "origin": None if letter.origin is None else str(letter.origin),
        "first_failure_at": letter.first_failure_at, "worker": letter.worker, "group": letter.group,
        "size_bytes": letter.size_bytes, "is_truncated": letter.cut is not None,
        "truncated_at": str(letter.cut.place) if letter.cut and letter.cut.place else None, "state": state_of(found),
        "handled": None if entry is None else entry.model_dump(mode="json", exclude={"timestamp_ms", "is_done"}),
    }  # fmt: skip


def whole_document(found: Found) -> dict[str, Any]:
    """Everything of a dead letter, its headers and value included."""
    headers = [{"name": name, "value": shown_header(name, value)} for name, value in found.record.headers]
    key = shown_header("", found.record.key)
    return {**document(found), "key": key, "headers": headers, "value": shown_value(found.record.value)}


def sheet(found: Found) -> str:
    """Everything of a dead letter for a person: fields, headers, value."""
    fields = {name: value for name, value in document(found).items() if name not in {"topic", "partition", "offset"}}
    fields["key"] = shown_header("", found.record.key)
    handled = fields.pop("handled")
    if handled is not None:
        fields["handled"] = ", ".join(f"{name} {value}" for name, value in handled.items() if value)
    width = max(map(len, fields))
    lines = [f"{name:{width}}  {on_one_line(_text(value))}" for name, value in fields.items()]
    headers = [f"  {on_one_line(name)}: {on_one_line(shown_header(name, raw))}" for name, raw in found.record.headers]
    return printable("\n".join([*lines, "headers", *headers, "value", _indented(shown_value(found.record.value))]))


def line_of_json(content: Mapping[str, Any]) -> str:
    """One document on one line."""
    return printable(json.dumps(content, ensure_ascii=False))


def counts_under(title: str, counts: Mapping[str, int]) -> str:
    """Counts by name, for a person: the first ones, and how many more there are."""
    rows = [(_cut(name, _WIDEST), count) for name, count in islice(counts.items(), _MOST_ROWS)]
    width, digits = max(len(name) for name, _ in rows), max(len(str(count)) for _, count in rows)
    more = [f"  and {len(counts) - _MOST_ROWS} more"] if len(counts) > _MOST_ROWS else []
    return "\n".join([title, *(f"  {name:{width}}  {count:{digits}}" for name, count in rows), *more])


def state_of(found: Found) -> str:
    """Open, handled how, or being handled."""
    return str(found.deed) if found.is_handled else str(found.standing)


def age_of(age: timedelta) -> str:
    """How old, in its largest unit."""
    for unit, name in _STEPS:
        if age >= unit:
            return f"{age // unit}{name}"
    return f"{max(int(age.total_seconds()), 0)}s"


def _text(value: object) -> str:
    return _NONE if value is None or value == "" else str(value)


def _cut(text: str, chars: int) -> str:
    line = on_one_line(printable(text))
    return line if len(line) <= chars else f"{line[: chars - 1]}…"


def _indented(text: str) -> str:
    return "\n".join(f"  {on_one_line(line)}" for line in text.splitlines())
