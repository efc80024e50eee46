"""Where jobs that ask for the same find each other, so that one is transcribed and the others share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from consumer.core.failures import PermanentError, TransientError
from consumer.core.jobs import Job
from consumer.core.locations import shared_uri
from consumer.core.sharing import CLAIM_TYPE, Claim, SharingKey, make_claim, read_claim, read_shareable, sharing_key
from consumer.lease import Lease
from consumer.leases import Leases
from consumer.ports import Store, StoredObject
from contracts.transcript import ModelIdentity, Transcript

log = structlog.get_logger(__name__)

_TRIES: Final = 3
"""How often a claim is tried for that others take over at the same moment."""
_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Mine:
    """Nobody has transcribed it, nor does anybody now: transcribe."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It was transcribed already."""

    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Busy:
    """Another job's worker is at it."""

    job_id: str | None
    """Which job; None where several claim it at this moment."""
    wait_s: float
    """Seconds until one should look again."""


@dataclass(frozen=True, slots=True)
class SharingConfig:
    """Where jobs find each other, and the models that decide what is the same."""

    state_prefix: str
    worker: str
    default_model: str
    models: Mapping[str, ModelIdentity]
    """By the names that requests may give."""
    is_enabled: bool = True


class Sharing:
    """Finds for each job the transcription that it may share."""

    def __init__(self, store: Store, leases: Leases, *, config: SharingConfig, now: Callable[[], datetime]) -> None:
        """Borrows its parts."""
        self._store = store
        self._leases = leases
        self._config = config
        self._now = now

    async def claim(self, job: Job, sha256: str, lease: Lease) -> Mine | Ready | Busy:
        """Finds who transcribes: this job, whose lease the caller holds, or another one of the same content.

        To share is to save work and nothing else: where what is there cannot be read or is none of ours, the job
        is simply transcribed. So is one whose predecessor has no lease that is live, and left no transcript.

        Raises:
            OutageError: the store's own.
        """
        model = self._config.models.get(job.request.options.model or self._config.default_model)
        if model is None or not self._config.is_enabled:
            return Mine()
        try:
            own = make_claim(job, lease.token, worker=self._config.worker, now=self._now())
            return await self._claim(sharing_key(job, sha256, model), own)
        except (PermanentError, TransientError) as exc:
            log.warning("not_shared", code=exc.code, error=exc.message)
            return Mine()

    async def _claim(self, key: SharingKey, own: Claim) -> Mine | Ready | Busy:
        uri = shared_uri(self._config.state_prefix, key.tenant, key.digest)
        if await self._store.create(uri, _encode(own), CLAIM_TYPE):
            return Mine()
        for _ in range(_TRIES):
            found = await self._store.read(uri)
            end = Mine() if found is None else await self._join(uri, found, key, own)
            if end is not None:
                return end
        return Busy(None, _WAIT_S)

    async def _join(self, uri: str, found: StoredObject, key: SharingKey, own: Claim) -> Mine | Ready | Busy | None:
        """None when another took the claim over at this moment."""
        first = read_claim(found.body)
        if first is not None and first.lease == own.lease:
            return Mine()  # claimed before, or the answer to our own write was lost
        end = None if first is None else await self._follow(first, key)
        if end is not None:
            return end
        is_taken_over = await self._store.replace(uri, _encode(own), CLAIM_TYPE, etag=found.etag) is not None
        return Mine() if is_taken_over else None

    async def _follow(self, first: Claim, key: SharingKey) -> Ready | Busy | None:
        """None when the first one left nothing and does nothing."""
        if ready := await self._shareable(first, key):
            return ready
        held = await self._leases.find(key.tenant, first.job_id)
        if held is not None and held.token == first.lease:
            return Busy(first.job_id, _WAIT_S)
        return await self._shareable(first, key)  # a lease that ended as we looked may have left a transcript

    async def _shareable(self, claim: Claim, key: SharingKey) -> Ready | None:
        found = await self._store.read(claim.transcript)
        transcript = None if found is None else read_shareable(found.body, claim, key)
        return None if transcript is None else Ready(transcript)


def _encode(claim: Claim) -> bytes:
    return claim.model_dump_json().encode()
