"""One transcription for all jobs of a tenant that ask for the same: what "the same" is, and how it is shared.

The same are content, options as they take effect, and model. Where results go and in which forms, ids and metadata do
not matter. Sampling (a temperature above 0) is no reason not to share: it is one of the texts that might have come.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from consumer.core.jobs import Job
from consumer.core.locations import transcript_uri
from consumer.core.speech import FetchedObject
from consumer.core.transcription import describe_job
from contracts.requests import Contract, JobId, Mode, ObjectUri, Options
from contracts.transcript import ModelIdentity, Timing, Transcript

CLAIM_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class SharingKey:
    """What jobs have to have in common to share."""

    tenant: str | None
    sha256: str
    """Of the content."""
    model: ModelIdentity
    digest: str
    """Of all of it, options included; names the place where such jobs find each other."""


class Claim(Contract):
    """What stands in that place: whose transcription it will be, or is."""

    version: Literal[1] = 1
    job_id: JobId
    fingerprint: str
    transcript: ObjectUri
    lease: str = Field(description="token of the lease under which the job runs; the claim ends with it")
    worker: str
    claimed_at: datetime


def sharing_key(job: Job, sha256: str, model: ModelIdentity) -> SharingKey:
    """The key of a job whose content and model are known."""
    parts = [job.tenant, sha256, model.name, model.revision, model.sha256, _effective(job.request.options)]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return SharingKey(job.tenant, sha256, model, hashlib.sha256(text.encode()).hexdigest())


def make_claim(job: Job, lease: str, *, worker: str, now: datetime) -> Claim:
    """Says that this job's transcription is the one to share."""
    return Claim(
        job_id=job.job_id,
        fingerprint=job.fingerprint,
        transcript=transcript_uri(job.output_uri, job.job_id),
        lease=lease,
        worker=worker,
        claimed_at=now,
    )


def read_claim(body: bytes) -> Claim | None:
    """What stands in the place; None where it is none of ours."""
    try:
        return Claim.model_validate_json(body)
    except ValidationError:
        return None


def read_shareable(body: bytes, claim: Claim, key: SharingKey) -> Transcript | None:
    """The transcript that a claim led to; None where it is another by now.

    A result set may have been deleted and made anew, of other content, with other options or by another model.
    """
    try:
        transcript = Transcript.model_validate_json(body)
    except ValidationError:
        return None
    job, model = transcript.job, transcript.provenance.model
    is_its_own = (job.job_id, job.fingerprint) == (claim.job_id, claim.fingerprint)
    is_the_same = (job.tenant, transcript.input.sha256, model) == (key.tenant, key.sha256, key.model)
    return transcript if is_its_own and is_the_same else None


def share_transcript(first: Transcript, job: Job, fetched: FetchedObject, *, worker: str, timing: Timing) -> Transcript:
    """The first job's transcript as another job's own: its text, quality and provenance; its own job and input."""
    own = describe_job(job, worker).model_copy(update={"shared_from": first.job.shared_from or first.job.job_id})
    source = {
        "uri": job.request.input.uri,
        "version_id": fetched.version_id,
        "etag": fetched.etag,
        "sha256": fetched.sha256,
        "bytes": fetched.size_bytes,
    }
    return first.model_copy(
        update={"job": own, "input": first.input.model_copy(update=source), "timing": timing},
    )


def _effective(options: Options) -> dict[str, Any]:
    """What is asked for, with what null stands for; the model is told apart."""
    asked = options.model_dump(mode="json", exclude={"model"})
    return asked | {"mode": options.mode or Mode.SEQUENTIAL, "vad": options.uses_vad}
