"""Records as Spring Kafka wrote them, recorded by `python -m tests.stack.spring`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from consumer.core.records import Record

NAMES: Final = ("recoverer", "recoverer-again", "recoverer-key", "retry-hop", "retry-dlt")
"""Dead letters of a recoverer: of a record that failed, of one copied back that failed again, of one whose key could
not be read. A hop and a dead letter of retry topics."""
GROUP: Final = "call-readers"
"""The consumer group that failed on them."""
_FOLDER: Final = Path(__file__).parent / "data" / "golden" / "spring"


@dataclass(frozen=True)
class Letter:
    """What Spring wrote of a record, and that record."""

    sent: Record
    written: Record


def load(name: str) -> Letter:
    """One of `NAMES`."""
    document = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return Letter(_parsed(document["sent"]), _parsed(document["written"]))


def save(name: str, letter: Letter, server: str) -> None:
    """Puts one in the place of the earlier one of that name."""
    document = {"server": server, "sent": _document(letter.sent), "written": _document(letter.written)}
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _parsed(document: dict[str, Any]) -> Record:
    return _mapped(Record(**document), lambda raw: None if raw is None else bytes.fromhex(raw))


def _document(record: Record) -> dict[str, Any]:
    return asdict(_mapped(record, lambda raw: None if raw is None else raw.hex()))


def _mapped(record: Record, change: Callable[[Any], Any]) -> Record:
    headers = tuple((name, change(raw)) for name, raw in record.headers)
    return replace(record, key=change(record.key), value=change(record.value), headers=headers)
