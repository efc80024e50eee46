"""What a downstream service reads: outcome and progress events as CloudEvents 1.0 in Kafka binary mode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Generic

from pydantic import AfterValidator, Field, WithJsonSchema
from typing_extensions import TypeVar

from contracts.errors import ErrorCode
from contracts.requests import Contract

TYPE_PREFIX: Final = "io.steno.transcription."
TYPE_SUFFIX: Final = ".v1"

Headers = Iterable[tuple[str, bytes | None]]
"""Kafka record headers as clients hand them over."""


class Kind(StrEnum):
    """What happened to a job; the middle part of the CloudEvents `type`."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STARTED = "started"
    PROGRESS = "progress"
    RETRY_SCHEDULED = "retry_scheduled"
    """The attempt failed, and another one will be made."""

    @property
    def is_outcome(self) -> bool:
        """Whether the job has ended."""
        return self in _OUTCOMES

    @property
    def type(self) -> str:
        """The CloudEvents `type`."""
        return f"{TYPE_PREFIX}{self.value}{TYPE_SUFFIX}"


_OUTCOMES: Final = frozenset((Kind.COMPLETED, Kind.FAILED, Kind.CANCELLED))


def _is_an_outcome(kind: Kind) -> Kind:
    if not kind.is_outcome:
        raise ValueError(f"{kind!s} is no outcome")
    return kind


Outcome = Annotated[Kind, AfterValidator(_is_an_outcome), Field(json_schema_extra={"enum": sorted(_OUTCOMES)})]
"""A kind that ends a job."""


ProgressKind = Annotated[
    Kind, WithJsonSchema({"type": "string", "x-extensible-enum": sorted(frozenset(Kind) - _OUTCOMES)})
]
"""A kind that ends no job. Others may come: pass over what you do not know."""


class ErrorDetail(Contract):
    """Why a job has no result. The vocabulary of codes may grow: judge an unknown one by `retryable`."""

    code: str = Field(json_schema_extra={"x-extensible-enum": list(ErrorCode)})
    message: str
    retryable: bool


class OutcomeEvent(Contract):
    """The value of an outcome event: the job has ended, this way."""

    job_id: str | None = Field(description="null when the bytes held no job")
    outcome: Outcome
    input: str | None = Field(description="s3://bucket/key; null when the bytes held no job")
    manifest: str | None = Field(description="s3://…/manifest.json of a completed job")
    error: ErrorDetail | None
    attempt: int = Field(ge=1)
    audio_s: float | None = Field(default=None, description="seconds of audio")
    engine_s: float | None = Field(default=None, description="seconds the engine worked")
    language: str | None = None
    worker: str
    shared_from: str | None = Field(default=None, description="job whose transcription this one shares")
    tenant: str | None = None
    correlation_id: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class Stage(StrEnum):
    """What a worker does for a job instead of transcribing."""

    LOADING_MODEL = "loading_model"


class ProgressEvent(Contract):
    """The value of a progress event; loss is allowed, so never wait for one."""

    job_id: str
    kind: ProgressKind
    input: str
    attempt: int = Field(ge=1)
    done_s: float | None = Field(default=None, description="seconds of audio transcribed so far")
    audio_s: float | None = Field(default=None, description="seconds of audio in all")
    stage: str | None = Field(
        default=None, description="what is done instead of transcribing, such as `loading_model`; others may come"
    )
    error: ErrorDetail | None = Field(default=None, description="why the attempt failed, of `retry_scheduled`")
    not_before: datetime | None = Field(default=None, description="when the next attempt is due, of `retry_scheduled`")
    worker: str
    tenant: str | None = None
    correlation_id: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


Data_co = TypeVar("Data_co", bound=OutcomeEvent | ProgressEvent, default=OutcomeEvent | ProgressEvent, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[Data_co]):
    """One parsed event: the CloudEvents attributes and the typed value. `Event[OutcomeEvent]` ends a job."""

    id: str
    """Equal for every repetition of the same fact: drop what was seen before, by (source, id)."""
    source: str
    type: str
    time: datetime | None
    subject: str | None
    dataref: str | None
    traceparent: str | None
    tracestate: str | None
    data: Data_co
    cause: str | None = None
    """Place of the request that is answered: topic/partition/offset. None from workers that did not tell it yet."""
    fingerprint: str | None = None
    """Of the request, as in the manifest; None as well where the bytes held no job."""


class NotAnEventError(ValueError):
    """The record is no event of this contract; the message says why."""


def parse_event(headers: Headers, value: bytes | None) -> Event:
    """Reads one record of the results or progress topic.

    Args:
        headers: the record's headers, names in any order.
        value: the record's value, JSON in UTF-8.

    Raises:
        NotAnEventError: the record is no CloudEvent of ours, or its value does not fit its type.
    """
    attributes = _attributes(headers)
    try:
        kind = Kind(attributes["ce_type"].removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX))
        data = (OutcomeEvent if kind.is_outcome else ProgressEvent).model_validate_json(value or b"")
        time = datetime.fromisoformat(attributes["ce_time"]) if "ce_time" in attributes else None
    except ValueError as exc:
        raise NotAnEventError(f"event {attributes['ce_id']!r} of type {attributes['ce_type']!r}: {exc}") from exc
    return Event(
        id=attributes["ce_id"],
        source=attributes["ce_source"],
        type=attributes["ce_type"],
        time=time,
        subject=attributes.get("ce_subject"),
        dataref=attributes.get("ce_dataref"),
        traceparent=attributes.get("traceparent"),
        tracestate=attributes.get("tracestate"),
        data=data,
        cause=attributes.get("ce_cause"),
        fingerprint=attributes.get("ce_fingerprint"),
    )


def _attributes(headers: Headers) -> dict[str, str]:
    found = {name: raw.decode("utf-8", "replace") for name, raw in headers if raw is not None}
    missing = [name for name in ("ce_specversion", "ce_id", "ce_source", "ce_type") if name not in found]
    if missing:
        raise NotAnEventError(f"not a CloudEvent in Kafka binary mode: no {', '.join(missing)} header")
    return found
