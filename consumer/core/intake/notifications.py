"""What object stores say of new objects: S3 notifications and EventBridge events, each to requests.

An S3 notification holds any number of records, each a job of its own: a faulty one does not take its siblings down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from consumer.core.failures import PermanentError
from consumer.core.intake.cloudevents import without_attributes
from consumer.core.intake.documents import describe, invalid
from consumer.core.intake.keys import KeyEncoding, decode_key, raw_key
from consumer.core.intake.readings import Faulty, Ignored, IntakeRules, Reading, Reason, Wanted
from consumer.core.intake.requests import list_faults
from consumer.core.locations import is_under
from consumer.core.records import Record
from contracts.identity import derive_job_id
from contracts.requests import SCHEMA_VERSION, TranscriptionRequest

_RECORDS: Final = "Records"
_CREATED: Final = "ObjectCreated:"
_EVENTBRIDGE_CREATED: Final = "Object Created"
_MAX_NAME_CHARS: Final = 64
_MAX_SHOWN_CHARS: Final = 64 + 1024
_MAX_RECORDS: Final = 10_000
"""Far more than stores send; a thousand times as many would keep the worker from everything else for seconds."""
_NO_VERSIONS: Final = frozenset((None, "", "null"))
"""What stands for "no version"; `null` also names the version that an object without versions has, but it stays
`null` when the object is replaced, so that the ETag says more."""


class _Bucket(BaseModel):
    name: str = Field(pattern="^[^/]+$")


class _StoredObject(BaseModel):
    key: str
    size: int | None = None
    etag: str | None = Field(None, validation_alias=AliasChoices("eTag", "etag"))
    version_id: str | None = Field(None, validation_alias=AliasChoices("versionId", "version-id"))


class _NewObject(BaseModel):
    """What an S3 record has under `s3` and an EventBridge event under `detail`."""

    bucket: _Bucket
    object: _StoredObject


@dataclass(frozen=True, slots=True)
class _Part:
    """One record of a notification, apart from the others."""

    document: Any
    record: Record
    shown_key: object
    """The raw `bucket/key` that MinIO puts beside the records."""


def is_notification(document: Mapping[str, Any]) -> bool:
    """Whether a document is an S3 notification, one record of it by itself, or the test that AWS sends first."""
    return _RECORDS in document or document.keys() >= {"eventName", "s3"} or _is_test(document)


def is_eventbridge(document: Mapping[str, Any]) -> bool:
    """Whether a document is an event of EventBridge."""
    return document.keys() >= {"detail-type", "detail"}


def read_notification(record: Record, document: Mapping[str, Any], rules: IntakeRules) -> Iterator[Reading]:
    """Each record of the notification, in its order.

    Raises:
        PermanentError: `REQUEST_INVALID`; there is no list of records, or it is too long.
    """
    if _is_test(document):
        yield Ignored(Reason.OTHER_EVENT, "s3:TestEvent")
        return
    records = document.get(_RECORDS, [document])
    if not isinstance(records, list):
        raise invalid(f"'{_RECORDS}' of the S3 notification is {describe(records)}; expected an array")
    if len(records) > _MAX_RECORDS:
        raise invalid(f"the S3 notification holds {len(records)} records, at most {_MAX_RECORDS} are read")
    if not records:
        yield Ignored(Reason.NO_RECORDS)
    for number, each in enumerate(records):
        alone = record if len(records) == 1 else _alone(record, document, each, number)
        yield _read_part(_Part(each, alone, document.get("Key")), rules)


def read_eventbridge(record: Record, document: Mapping[str, Any], rules: IntakeRules) -> Reading:
    """The event's one object. Its key is raw."""
    kind = str(document["detail-type"])
    if kind != _EVENTBRIDGE_CREATED:
        return Ignored(Reason.OTHER_EVENT, kind[:_MAX_NAME_CHARS])
    try:
        found = _validate(document["detail"])
        return _want(record, found, found.object.key, rules)
    except PermanentError as error:
        return Faulty(invalid(f"EventBridge event: {error.message}"), record)


def _read_part(part: _Part, rules: IntakeRules) -> Reading:
    name = part.document.get("eventName") if isinstance(part.document, dict) else None
    if isinstance(name, str) and not name.removeprefix("s3:").startswith(_CREATED):
        return Ignored(Reason.OTHER_EVENT, name[:_MAX_NAME_CHARS])
    try:
        if not isinstance(name, str):
            raise invalid(f"no event name: found {describe(part.document)}, expected 'eventName' and 's3'")
        found = _validate(part.document.get("s3"))
        return _want(part.record, found, _key_of(found, part.shown_key, rules.key_encoding), rules)
    except PermanentError as error:
        place = "" if part.record.part is None else f" {part.record.part}"
        return Faulty(invalid(f"record{place} of the S3 notification: {error.message}"), part.record)


def _validate(entity: Any) -> _NewObject:
    try:
        return _NewObject.model_validate(entity)
    except ValidationError as exc:
        raise invalid(list_faults(exc)) from exc


def _key_of(found: _NewObject, shown_key: object, encoding: KeyEncoding) -> str:
    raw = raw_key(found.bucket.name, found.object.key, shown_key)
    return decode_key(found.object.key, encoding) if raw is None else raw


def _want(record: Record, found: _NewObject, key: str, rules: IntakeRules) -> Wanted | Ignored:
    request = _make_request(found, key)
    if any(is_under(request.input.uri, prefix) for prefix in rules.own_prefixes):
        return Ignored(Reason.OWN_OBJECT)
    headers = without_attributes(record.headers)
    value = request.model_dump_json(exclude_unset=True).encode()
    return Wanted(request, replace(record, value=value, headers=headers))


def _make_request(found: _NewObject, key: str) -> TranscriptionRequest:
    version, etag = found.object.version_id, (found.object.etag or "").strip('"')
    source = {
        "uri": f"s3://{found.bucket.name}/{key}",
        "version_id": None if version in _NO_VERSIONS else version,
        "etag": etag or None,
        # Some stores say 0 for objects in several parts.
        "size_bytes": found.object.size or None,
    }
    known = {name: each for name, each in source.items() if each is not None}
    try:
        request = TranscriptionRequest.model_validate({"schema_version": SCHEMA_VERSION, "input": known})
    except ValidationError as exc:
        raise invalid(list_faults(exc)) from exc
    return request.model_copy(update={"job_id": derive_job_id(request)})


def _alone(record: Record, document: Mapping[str, Any], part: Any, number: int) -> Record:
    """One record of a notification as a notification of its own."""
    shown = document.get("Key")
    # One that is too long to name an object is not repeated with each of the records.
    beside = {"Key": shown} if isinstance(shown, str) and len(shown) <= _MAX_SHOWN_CHARS else {}
    value = json.dumps({**beside, _RECORDS: [part]}, ensure_ascii=False).encode()
    return replace(record, value=value, headers=without_attributes(record.headers), part=number)


def _is_test(document: Mapping[str, Any]) -> bool:
    return document.get("Event") == "s3:TestEvent" and _RECORDS not in document
