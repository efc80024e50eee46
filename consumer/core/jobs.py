"""A job: a request with everything filled in that its producer may leave open."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.identity import derive_job_id, fingerprint
from contracts.requests import TranscriptionRequest


@dataclass(frozen=True, slots=True)
class Job:
    """One unit of work."""

    job_id: str
    request: TranscriptionRequest
    output_uri: str
    """Prefix of the result set, ending in a slash."""
    fingerprint: str
    attempt: int = 1
    """Counts from 1."""
    replay_count: int = 0

    @property
    def tenant(self) -> str | None:
        """On whose behalf; its job ids are its own."""
        return self.request.tenant


def make_job(request: TranscriptionRequest, *, default_output: str, attempt: int = 1, replay_count: int = 0) -> Job:
    """Fills in job id, output prefix and fingerprint."""
    output_uri = request.output.uri or default_output
    return Job(
        job_id=request.job_id or derive_job_id(request),
        request=request,
        output_uri=output_uri if output_uri.endswith("/") else f"{output_uri}/",
        fingerprint=fingerprint(request),
        attempt=attempt,
        replay_count=replay_count,
    )
