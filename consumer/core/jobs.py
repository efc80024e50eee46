"""A job: a request with everything filled in that its producer may leave open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from consumer.core.hops import not_before_ms
from consumer.core.origins import origin_of
from consumer.core.records import Record
from contracts.identity import derive_job_id, fingerprint
from contracts.requests import TranscriptionRequest

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


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
    sent_at: datetime | None = None
    """When its request was published: of a retry that of the request itself. None where it is not known."""

    @property
    def tenant(self) -> str | None:
        """On whose behalf; its job ids are its own."""
        return self.request.tenant


def make_job(
    request: TranscriptionRequest,
    *,
    default_output: str,
    attempt: int = 1,
    replay_count: int = 0,
    sent_at: datetime | None = None,
) -> Job:
    """Fills in job id, output prefix and fingerprint."""
    output_uri = request.output.uri or default_output
    return Job(
        job_id=request.job_id or derive_job_id(request),
        request=request,
        output_uri=output_uri if output_uri.endswith("/") else f"{output_uri}/",
        fingerprint=fingerprint(request),
        attempt=attempt,
        replay_count=replay_count,
        sent_at=sent_at,
    )


def sent_at(record: Record) -> datetime | None:
    """When a record's request was published: of a retry the request itself, of a replay the replay."""
    is_hop = not_before_ms(record) is not None
    timestamp_ms = origin_of(record, "").timestamp_ms if is_hop else record.timestamp_ms
    try:
        return None if timestamp_ms < 0 else _EPOCH + timedelta(milliseconds=timestamp_ms)
    except OverflowError:  # a timestamp is what its producer says
        return None
