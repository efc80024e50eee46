"""What is sent in a dead letter's place: the record as its producer sent it, or the dead letter itself to be parked."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from consumer.core.failures import PermanentError
from consumer.core.intake.documents import parse_json
from consumer.core.origins import foreign
from consumer.core.records import OutboundRecord, Record

REPLAY_COUNT: Final = "x-steno-replay-count"
_PARKED_FROM: Final = "x-steno-parked-from"


def replayed(record: Record, topic: str, *, replays: int) -> OutboundRecord:
    """Key, value and headers as they were sent, and how often this is a replay; nothing of the failure is left."""
    kept = foreign(record.headers)
    return OutboundRecord(topic, record.key, record.value, (*kept, (REPLAY_COUNT, str(replays).encode())))


def parked(record: Record, topic: str) -> OutboundRecord:
    """The dead letter whole, its reason included, and where it stood."""
    kept = tuple(header for header in record.headers if header[0] != _PARKED_FROM)
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return OutboundRecord(topic, record.key, record.value, (*kept, (_PARKED_FROM, place.encode())))


def with_deadline(value: bytes, deadline: datetime) -> bytes:
    """A request with another deadline, its other fields as they were; bytes that hold no request as they are."""
    try:
        document = parse_json(value)
    except PermanentError:
        return value
    request = _request_in(document)
    if request is None:
        return value
    request["deadline"] = deadline.isoformat()
    return json.dumps(document, ensure_ascii=False).encode()


def _request_in(document: Any) -> dict[str, Any] | None:
    """The request itself, or the data of a structured CloudEvent."""
    found = document.get("data", document) if isinstance(document, dict) else None
    return found if isinstance(found, dict) and "deadline" in found else None
