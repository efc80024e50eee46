"""Our own JSON: a request, or what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from consumer.core.failures import PermanentError
from consumer.core.intake.documents import invalid
from contracts.errors import ErrorCode
from contracts.requests import JOB_ID_PATTERN, SCHEMA_VERSION, TranscriptionRequest

_SHOWN_FAULTS: Final = 3
_SHOWN_NAME_CHARS: Final = 64


def is_request(document: Mapping[str, Any]) -> bool:
    """Whether a document is meant as a request: it has a field that only a request has."""
    return not TranscriptionRequest.model_fields.keys().isdisjoint(document)


def parse_request(document: Any) -> TranscriptionRequest:
    """Reads a request from its JSON document.

    Raises:
        PermanentError: `REQUEST_UNSUPPORTED_VERSION`, or `REQUEST_INVALID` naming the faulty fields; the message
            never repeats the values.
    """
    try:
        # By way of JSON, because pydantic is strict there as JSON is: an array may be a tuple, text no number.
        return TranscriptionRequest.model_validate_json(json.dumps(document))
    except ValidationError as exc:
        if any(fault["loc"] == ("schema_version",) for fault in exc.errors(include_url=False)):
            text = f"this worker reads schema_version {SCHEMA_VERSION}; upgrade the workers before the producers"
            raise PermanentError(ErrorCode.REQUEST_UNSUPPORTED_VERSION, text) from exc
        raise invalid(list_faults(exc)) from exc


def list_faults(error: ValidationError) -> str:
    """The first faults, each with its field; values are not repeated."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    shown = "; ".join(_describe(fault["loc"], fault["msg"]) for fault in faults[:_SHOWN_FAULTS])
    return f"{shown}; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else shown


def salvage_job_id(document: Any) -> str | None:
    """The job id of a request that is otherwise faulty, so that its producer hears of the failure."""
    job_id = document.get("job_id") if isinstance(document, dict) else None
    return job_id if isinstance(job_id, str) and re.fullmatch(JOB_ID_PATTERN, job_id) else None


def _describe(location: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(part)[:_SHOWN_NAME_CHARS] for part in location)
    text = message.removeprefix("Value error, ")
    return f"{field}: {text[0].lower()}{text[1:]}" if field else f"the request: {text[0].lower()}{text[1:]}"
