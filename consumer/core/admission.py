"""Which requests are refused before any call is made."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.core.failures import PermanentError
from consumer.core.jobs import Job
from consumer.core.locations import could_reach, is_allowed, is_under, transcript_uri
from contracts.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """What requests may touch, and how large inputs may be."""

    allowed_inputs: tuple[str, ...]
    """Prefixes; empty allows any."""
    allowed_outputs: tuple[str, ...]
    """Prefixes; empty allows any."""
    state_prefix: str
    """Where workers coordinate; no request may read or write there."""
    max_bytes: int


def check_admission(job: Job, rules: AdmissionRules) -> None:
    """Refuses what is not allowed.

    Raises:
        PermanentError: `INPUT_FORBIDDEN`, `OUTPUT_FORBIDDEN`, `INPUT_TOO_LARGE` (by the size the request gives),
            `REQUEST_INVALID` (the result's keys would be longer than S3 allows).
    """
    source = job.request.input
    if could_reach(source.uri, rules.state_prefix):
        raise PermanentError(ErrorCode.INPUT_FORBIDDEN, f"{source.uri} belongs to the workers' own state")
    if is_under(job.output_uri, rules.state_prefix):
        raise PermanentError(ErrorCode.OUTPUT_FORBIDDEN, f"{job.output_uri} belongs to the workers' own state")
    if not is_allowed(source.uri, rules.allowed_inputs):
        raise PermanentError(
            ErrorCode.INPUT_FORBIDDEN,
            f"{source.uri} is outside of what this deployment reads; allowed: {', '.join(rules.allowed_inputs)}",
        )
    if not is_allowed(job.output_uri, rules.allowed_outputs):
        raise PermanentError(
            ErrorCode.OUTPUT_FORBIDDEN,
            f"{job.output_uri} is outside of where this deployment writes; allowed: {', '.join(rules.allowed_outputs)}",
        )
    transcript_uri(job.output_uri, job.job_id)  # the longest of its keys
    if source.size_bytes is not None and source.size_bytes > rules.max_bytes:
        raise PermanentError(
            ErrorCode.INPUT_TOO_LARGE,
            f"the input has {source.size_bytes} bytes, at most {rules.max_bytes} are taken (STENO_MEDIA__MAX_BYTES)",
        )
