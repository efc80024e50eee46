"""What was found in a record: for each thing in it a request, a fault, or a reason to pass over it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from consumer.core.failures import JobError
from consumer.core.intake.keys import KeyEncoding
from consumer.core.records import Record
from contracts.requests import TranscriptionRequest


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """What a deployment says about what it reads."""

    key_encoding: KeyEncoding = KeyEncoding.FORM
    """How object keys stand in S3 notifications that do not show the raw key beside."""
    own_prefixes: tuple[str, ...] = ()
    """Where workers write: a notification of an object there starts nothing, or each result would start a job."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request."""

    request: TranscriptionRequest
    record: Record
    """What is kept if the job fails: the record as it came, or this request alone where it came with others."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """Something that was meant as a request and is none."""

    error: JobError
    record: Record
    """What is kept: the record as it came, or the faulty part alone."""
    job_id: str | None = None
    """Where it is legible."""


class Reason(StrEnum):
    """Why something is acknowledged and starts nothing."""

    OTHER_EVENT = "other_event"
    """A notification of anything but a new object."""
    OWN_OBJECT = "own_object"
    """A notification of an object that the workers wrote."""
    NO_RECORDS = "no_records"
    """A notification of nothing."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us."""

    reason: Reason
    event_name: str = ""
    """As the store says it, cut to a length fit for a log line."""


Reading = Wanted | Faulty | Ignored
