"""The five envelopes that a request may come in, told apart by what they hold.

Our own JSON; a CloudEvent in binary or in structured mode; an S3 notification; an EventBridge event. A CloudEvent may
carry any of the others.
"""

from __future__ import annotations

from typing import Any

from consumer.core.failures import PermanentError
from consumer.core.intake.cloudevents import is_binary, is_structured, open_binary, open_structured
from consumer.core.intake.documents import EXPECTED, describe, invalid, parse_json
from consumer.core.intake.notifications import is_eventbridge, is_notification, read_eventbridge, read_notification
from consumer.core.intake.readings import Faulty, IntakeRules, Reading, Wanted
from consumer.core.intake.requests import is_request, parse_request, salvage_job_id
from consumer.core.records import Record


def read_record(record: Record, rules: IntakeRules) -> tuple[Reading, ...]:
    """Everything in a record, at least one reading. What fits no envelope is one fault that keeps the record whole."""
    try:
        return _read_document(*_open(record), rules)
    except PermanentError as error:
        return (Faulty(error, record),)


def _open(record: Record) -> tuple[Record, Any]:
    if is_binary(record):
        return open_binary(record)
    document = parse_json(record.value or b"")
    return open_structured(record, document) if is_structured(record, document) else (record, document)


def _read_document(record: Record, document: Any, rules: IntakeRules) -> tuple[Reading, ...]:
    if not isinstance(document, dict):
        raise invalid(f"found {describe(document)}; {EXPECTED}")
    if is_notification(document):
        return tuple(read_notification(record, document, rules))
    if is_eventbridge(document):
        return (read_eventbridge(record, document, rules),)
    if is_request(document):
        return (_read_request(record, document),)
    raise invalid(f"found {describe(document)}; {EXPECTED}")


def _read_request(record: Record, document: Any) -> Wanted | Faulty:
    try:
        return Wanted(parse_request(document), record)
    except PermanentError as error:
        return Faulty(error, record, salvage_job_id(document))
