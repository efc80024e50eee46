"""What a producer holds of a job that it submitted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypedDict

from pydantic import ValidationError

from contracts.client.config import ClientConfig
from contracts.identity import fingerprint
from contracts.requests import Options, Output, TranscriptionRequest

_MANIFEST_NAME: Final = "manifest.json"


class RequestFields(TypedDict, total=False):
    """What may be said of a job beside its input, as in `TranscriptionRequest`."""

    job_id: str
    output: Output
    options: Options
    tenant: str
    deadline: datetime
    correlation_id: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class JobHandle:
    """A job that the broker has; plain values, so that it may be kept and waited for in another process."""

    job_id: str
    input_uri: str
    manifest_uri: str
    """Where the manifest will be."""
    fingerprint: str
    submitted_at: datetime
    place: str | None = None
    """Of the request's record: topic/partition/offset. Events name the one that they answer."""
    tenant: str | None = None


def make_handle(
    request: TranscriptionRequest, job_id: str, *, results_prefix: str, submitted_at: datetime, place: str | None
) -> JobHandle:
    """The handle of a request that was published under this id."""
    return JobHandle(
        job_id=job_id,
        input_uri=request.input.uri,
        manifest_uri=manifest_place(request.output.uri or results_prefix, job_id),
        fingerprint=fingerprint(request),
        submitted_at=submitted_at,
        place=place,
        tenant=request.tenant,
    )


def handle_of_id(job_id: str, config: ClientConfig, *, tenant: str | None = None, now: datetime) -> JobHandle:
    """What can be said of a job whose id alone is known, within its tenant; `fingerprint` and `input_uri` are empty."""
    return JobHandle(
        job_id=job_id,
        input_uri="",
        manifest_uri=manifest_place(config.results_prefix, job_id),
        fingerprint="",
        submitted_at=now - timedelta(seconds=config.lookback_s),
        tenant=tenant,
    )


def faults_in(error: ValidationError) -> str:
    """What is wrong with the fields of a request, on one line."""
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)


def manifest_place(output_uri: str, job_id: str) -> str:
    """Where a job's manifest is, or will be."""
    return f"{output_uri.removesuffix('/')}/{job_id}/{_MANIFEST_NAME}"
