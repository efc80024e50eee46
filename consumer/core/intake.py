"""From the bytes of a record to a request, in one place for every envelope."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError

from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode
from contracts.requests import JOB_ID_PATTERN, SCHEMA_VERSION, TranscriptionRequest

_SHOWN_FAULTS = 3
_SHOWN_NAME_CHARS = 64


def parse_request(value: bytes | None) -> TranscriptionRequest:
    """Reads a request in our own JSON.

    Raises:
        PermanentError: `REQUEST_UNSUPPORTED_VERSION`, or `REQUEST_INVALID` naming the faulty fields; the message
            never repeats the values.
    """
    if not value:
        raise PermanentError(ErrorCode.REQUEST_INVALID, "the record is empty; expected a transcription request as JSON")
    try:
        return TranscriptionRequest.model_validate_json(value)
    except ValidationError as exc:
        faults = exc.errors(include_url=False, include_input=False, include_context=False)
        if any(fault["loc"] == ("schema_version",) for fault in faults):
            text = f"this worker reads schema_version {SCHEMA_VERSION}; upgrade the workers before the producers"
            raise PermanentError(ErrorCode.REQUEST_UNSUPPORTED_VERSION, text) from exc
        shown = "; ".join(_describe(fault["loc"], fault["msg"]) for fault in faults[:_SHOWN_FAULTS])
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise PermanentError(ErrorCode.REQUEST_INVALID, f"{shown}{more}") from exc


def salvage_job_id(value: bytes | None) -> str | None:
    """The job id of a request that is otherwise faulty, so that its producer hears of the failure."""
    try:
        document: Any = json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
    job_id = document.get("job_id") if isinstance(document, dict) else None
    return job_id if isinstance(job_id, str) and re.fullmatch(JOB_ID_PATTERN, job_id) else None


def _describe(location: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(part)[:_SHOWN_NAME_CHARS] for part in location)
    text = message.removeprefix("Value error, ")
    return f"{field}: {text[0].lower()}{text[1:]}" if field else f"the record is no request: {text}"
