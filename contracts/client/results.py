"""Result sets: whether a job has one, and the transcript in it."""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import ValidationError

from contracts.client.errors import ClientError
from contracts.client.jobs import JobHandle
from contracts.client.storage import Storage
from contracts.events import Event, OutcomeEvent
from contracts.requests import split_s3_uri
from contracts.transcript import Manifest, ResultFile, Transcript

_TRANSCRIPT_NAME: Final = "transcript.json"

Finished = OutcomeEvent | Event | JobHandle | str
"""What leads to a result set: the outcome, its event, the job's handle, or the manifest's URI."""


async def find_outcome(storage: Storage, job: JobHandle) -> OutcomeEvent | None:
    """The outcome of a job that has completed; None where there is no manifest (yet).

    A manifest of another request or tenant under the same id is none of this job: a worker will call it a conflict.

    Raises:
        ClientError: the store does not answer; what stands in the place is no manifest.
    """
    body = await storage.find(job.manifest_uri)
    if body is None:
        return None
    manifest = _manifest(body, job.manifest_uri)
    is_ours = job.fingerprint in ("", manifest.fingerprint) and manifest.outcome.tenant == job.tenant
    return manifest.outcome if is_ours else None


async def read_transcript(storage: Storage, finished: Finished) -> Transcript:
    """The transcript, checked against its manifest.

    Raises:
        ClientError: the job has no result; the store does not answer or refuses; the files do not fit together.
    """
    uri = _manifest_uri(finished)
    manifest = _manifest(await storage.read(uri), uri)
    if (
        isinstance(finished, JobHandle | Event)
        and (finished.fingerprint or manifest.fingerprint) != manifest.fingerprint
    ):
        raise ClientError(f"{uri} is the result of another request under the same job id")
    file = _transcript_file(manifest, uri)
    place = f"s3://{split_s3_uri(uri)[0]}/{file.key}"
    body = await storage.read(place)
    if hashlib.sha256(body).hexdigest() != file.sha256:
        raise ClientError(f"{place} is not the file that {uri} names: its sha256 differs")
    try:
        return Transcript.model_validate_json(body)
    except ValidationError as exc:
        raise ClientError(f"{place} is no transcript of this contract: {exc}") from exc


def _manifest(body: bytes, uri: str) -> Manifest:
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as exc:
        raise ClientError(f"{uri} is no result set of this contract: {exc}") from exc


def _transcript_file(manifest: Manifest, uri: str) -> ResultFile:
    for file in manifest.files:
        if file.key.rpartition("/")[2] == _TRANSCRIPT_NAME:
            return file
    raise ClientError(f"{uri} is no result set of this contract: it names no {_TRANSCRIPT_NAME}")


def _manifest_uri(finished: Finished) -> str:
    match finished:
        case str():
            return finished
        case JobHandle():
            return finished.manifest_uri
        case Event(data=OutcomeEvent() as outcome) | (OutcomeEvent() as outcome) if outcome.manifest is not None:
            return outcome.manifest
        case Event():
            raise ClientError(f"job {finished.data.job_id} has no result: {finished.type}")
        case OutcomeEvent():
            raise ClientError(f"job {finished.job_id} has no result: {finished.outcome}")
