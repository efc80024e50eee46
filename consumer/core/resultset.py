"""A result set as a pure function of the bytes of `transcript.json`.

Whoever writes it (the first worker, a second one after a crash, a frozen one that wakes up) writes the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydantic import ValidationError

from consumer.core.failures import PermanentError
from consumer.core.jobs import Job
from consumer.core.locations import manifest_uri, result_prefix, result_uri, transcript_uri
from consumer.core.rendering import CONTENT_TYPES, render
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent
from contracts.requests import OutputFormat, split_s3_uri
from contracts.transcript import Manifest, ResultFile, Transcript

JSON_TYPE = CONTENT_TYPES[OutputFormat.JSON]


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file to write."""

    uri: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ResultSet:
    """Everything that stands beside a transcript."""

    outputs: tuple[OutputFile, ...]
    """Without `transcript.json`, which is there already, and without the manifest."""
    manifest: OutputFile
    """To be written last."""
    outcome: OutcomeEvent


def derive_result_set(transcript_body: bytes) -> ResultSet:
    """Derives all other files and the outcome from the transcript's bytes.

    Raises:
        ValidationError: the bytes are no transcript.
    """
    transcript = Transcript.model_validate_json(transcript_body)
    job = transcript.job
    formats = [each for each in dict.fromkeys(job.formats) if each is not OutputFormat.JSON]
    outputs = tuple(
        OutputFile(
            uri=result_uri(job.output_uri, job.job_id, f"transcript.{each}"),
            content_type=CONTENT_TYPES[each],
            body=render(transcript, each).encode(),
        )
        for each in formats
    )
    first = OutputFile(transcript_uri(job.output_uri, job.job_id), JSON_TYPE, transcript_body)
    manifest_place = manifest_uri(job.output_uri, job.job_id)
    outcome = _outcome(transcript, manifest_place)
    manifest = Manifest(
        job_id=job.job_id,
        fingerprint=job.fingerprint,
        files=[_describe(file) for file in (first, *outputs)],
        outcome=outcome,
    )
    return ResultSet(outputs, OutputFile(manifest_place, JSON_TYPE, manifest.model_dump_json().encode()), outcome)


def read_manifest(body: bytes, job: Job) -> Manifest:
    """Reads the manifest that stands in a job's place.

    Raises:
        PermanentError: `JOB_ID_CONFLICT`, it belongs to another request or is no manifest.
    """
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError as exc:
        raise _conflict(job, "holds a manifest.json that is none of ours") from exc
    if manifest.fingerprint != job.fingerprint:
        raise _conflict(job, "holds the result of another request with this job_id")
    return manifest


def check_transcript(body: bytes, job: Job) -> None:
    """Makes sure that a transcript in a job's place answers that job.

    Raises:
        PermanentError: `JOB_ID_CONFLICT`, it belongs to another request or is no transcript.
    """
    try:
        transcript = Transcript.model_validate_json(body)
    except ValidationError as exc:
        raise _conflict(job, "holds a transcript.json that is none of ours") from exc
    if transcript.job.fingerprint != job.fingerprint:
        raise _conflict(job, "holds the transcript of another request with this job_id")


def _outcome(transcript: Transcript, manifest: str) -> OutcomeEvent:
    job = transcript.job
    return OutcomeEvent(
        job_id=job.job_id,
        outcome=Kind.COMPLETED,
        input=transcript.input.uri,
        manifest=manifest,
        error=None,
        attempt=job.attempt,
        audio_s=transcript.duration,
        engine_s=transcript.timing.engine_s,
        language=transcript.language,
        worker=job.worker,
        shared_from=job.shared_from,
        tenant=job.tenant,
        correlation_id=job.correlation_id,
        metadata=job.metadata,
    )


def _describe(file: OutputFile) -> ResultFile:
    return ResultFile(
        key=split_s3_uri(file.uri)[1],
        content_type=file.content_type,
        bytes=len(file.body),
        sha256=hashlib.sha256(file.body).hexdigest(),
    )


def _conflict(job: Job, fault: str) -> PermanentError:
    place = result_prefix(job.output_uri, job.job_id)
    return PermanentError(ErrorCode.JOB_ID_CONFLICT, f"{place} {fault}: use a new job_id or another output.uri")
