"""CloudEvents 1.0 on Kafka, binary and structured: what they carry, taken out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from consumer.core.failures import PermanentError
from consumer.core.intake.documents import EXPECTED, invalid, parse_json
from consumer.core.records import Header, Record
from contracts.errors import ErrorCode

_PREFIX: Final = "ce_"
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = "application/cloudevents"
_REQUIRED: Final = frozenset(("specversion", "id", "source", "type"))
_TRACE: Final = ("traceparent", "tracestate")
_THE_DATA: Final = "the CloudEvent's data"


def is_binary(record: Record) -> bool:
    """Whether the attributes stand in headers and the value is the data."""
    return f"{_PREFIX}specversion" in dict(record.headers) and not _is_structured_type(_texts(record))


def is_structured(record: Record, document: Any) -> bool:
    """Whether the value holds attributes and data: its content type says so, or it has all required attributes."""
    has_all = isinstance(document, dict) and document.keys() >= _REQUIRED
    return has_all or _is_structured_type(_texts(record))


def open_binary(record: Record) -> tuple[Record, Any]:
    """The record with its trace context where ours looks for it, and the data as a document.

    Raises:
        PermanentError: `REQUEST_UNSUPPORTED_VERSION`, or `REQUEST_INVALID` when the data is no JSON.
    """
    texts = _texts(record)
    attributes = {name.removeprefix(_PREFIX): text for name, text in texts.items() if name.startswith(_PREFIX)}
    _check(attributes, texts.get(_CONTENT_TYPE))
    return _with_trace(record, attributes), parse_json(record.value or b"", _THE_DATA)


def open_structured(record: Record, document: Any) -> tuple[Record, Any]:
    """The same of an event that is one JSON document.

    Raises:
        PermanentError: as `open_binary` does.
    """
    if not isinstance(document, dict) or "specversion" not in document:
        raise invalid("the content type says application/cloudevents but there is no 'specversion' in the record")
    _check(document, document.get("datacontenttype"))
    return _with_trace(record, document), _structured_data(document)


def without_attributes(headers: Iterable[Header]) -> tuple[Header, ...]:
    """Headers of a record that is no CloudEvent any more."""
    return tuple(header for header in headers if header[0] != _CONTENT_TYPE and not header[0].startswith(_PREFIX))


def _structured_data(document: Mapping[str, Any]) -> Any:
    if "data_base64" not in document:
        if document.get("data") is None:
            raise invalid(f"the CloudEvent has no data; {EXPECTED}")
        return document["data"]
    try:
        return parse_json(base64.b64decode(document["data_base64"], validate=True), _THE_DATA)
    except (TypeError, binascii.Error) as exc:
        raise invalid("'data_base64' of the CloudEvent is no Base64") from exc


def _check(attributes: Mapping[str, Any], content_type: Any) -> None:
    version = str(attributes["specversion"])
    if not version.startswith("1."):
        text = f"the CloudEvent has specversion {version[:16]!r}; this worker reads 1.0"
        raise PermanentError(ErrorCode.REQUEST_UNSUPPORTED_VERSION, text)
    media_type = str(content_type or "application/json").partition(";")[0].strip().lower()
    if not media_type.endswith(("/json", "+json")):
        raise invalid(f"{_THE_DATA} is {media_type[:64]!r}; expected application/json")


def _with_trace(record: Record, attributes: Mapping[str, Any]) -> Record:
    """Takes the tracing extension for the trace context when no header has one."""
    if _TRACE[0] in dict(record.headers):
        return record
    found = tuple((name, text.encode()) for name in _TRACE if isinstance(text := attributes.get(name), str))
    return replace(record, headers=record.headers + found)


def _is_structured_type(texts: Mapping[str, str]) -> bool:
    return texts.get(_CONTENT_TYPE, "").lower().startswith(_STRUCTURED)


def _texts(record: Record) -> dict[str, str]:
    return {name: raw.decode("utf-8", "replace") for name, raw in record.headers if raw is not None}
