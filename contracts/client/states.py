"""Jobs as object storage knows them, and the wish to cancel one: what a client reads and writes beside the workers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from contracts.client.config import ClientConfig
from contracts.client.errors import ClientError, UnreachableError
from contracts.client.jobs import JobHandle, manifest_place
from contracts.client.judgement import Sight, Sights, judge
from contracts.client.results import find_outcome
from contracts.client.storage import Storage
from contracts.events import OutcomeEvent
from contracts.requests import JOB_ID_PATTERN, TENANT_PATTERN
from contracts.state import CANCEL_NAME, LEASE_NAME, NO_TENANT, STATUS_NAME, CancelMarker, JobState, JobStatus

NAMES: Final = frozenset((STATUS_NAME, LEASE_NAME, CANCEL_NAME))
_JSON: Final = "application/json"
_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_TENANT: Final = re.compile(TENANT_PATTERN)


class States:
    """Asks and answers through objects; needs no broker."""

    def __init__(self, storage: Storage, config: ClientConfig) -> None:
        """Borrows an open storage."""
        self._storage = storage
        self._results_prefix = config.results_prefix
        self._prefix = state_prefix(config)

    async def status(self, job_id: str, tenant: str | None, names: Collection[str] = NAMES) -> JobStatus | None:
        """How a job is; None where nothing lies about it: it is queued, or was never sent.

        Args:
            job_id: within the tenant.
            tenant: None for none.
            names: which objects can be there.

        Raises:
            ClientError: the store does not answer or refuses; the id or tenant is none.
        """
        looks = (self._look(tenant, job_id, name, names) for name in (STATUS_NAME, LEASE_NAME, CANCEL_NAME))
        status, lease, cancel = await asyncio.gather(*looks)
        found = judge(job_id, tenant, Sights(status, lease, cancel))
        if found is not None and found.state is JobState.COMPLETED:
            return found
        return judge(job_id, tenant, Sights(status, lease, cancel, await self._outcome(job_id, tenant, found)))

    async def cancel(self, job_id: str, tenant: str | None, *, by: str | None, reason: str | None) -> JobStatus | None:
        """Leaves the marker, unless the job has completed; returns how the job was before.

        Raises:
            ClientError: the store does not answer or refuses; the id or tenant is none, a text is too long.
        """
        uri = self._uri(tenant, job_id, CANCEL_NAME)
        try:
            marker = CancelMarker(requested_at=datetime.now(UTC), by=by, reason=reason)
        except ValueError as exc:
            raise ClientError("'by' may have 256 characters and 'reason' 1024") from exc
        found = await self.status(job_id, tenant)
        if not (found and found.state is JobState.COMPLETED and await self._outcome(job_id, tenant, found)):
            await self._storage.write(uri, marker.model_dump_json().encode(), _JSON)
        return found

    async def _outcome(self, job_id: str, tenant: str | None, found: JobStatus | None) -> OutcomeEvent | None:
        """What the manifest says: in the place that the status names, or where results go by default.

        A place that a request names may be out of reach, or hold anything: then the status' own word stands.
        """
        output = found.output if found is not None and found.output else self._results_prefix
        fingerprint = found.fingerprint if found is not None and found.fingerprint else ""
        place = manifest_place(output, job_id)
        handle = JobHandle(job_id, "", place, fingerprint, datetime.now(UTC), tenant=tenant)
        try:
            return await find_outcome(self._storage, handle)
        except ClientError as exc:
            if found is None or isinstance(exc, UnreachableError):
                raise
            return None

    async def _look(self, tenant: str | None, job_id: str, name: str, names: Collection[str]) -> Sight | None:
        return await self._storage.look(self._uri(tenant, job_id, name)) if name in names else None

    def _uri(self, tenant: str | None, job_id: str, name: str) -> str:
        if not _JOB_ID.fullmatch(job_id):
            raise ClientError(f"{job_id!r} is no job id: letters, digits, '.', '_' and '-', at most 128")
        return f"{self._prefix}{folder_of(tenant)}/{job_id}/{name}"


def state_prefix(config: ClientConfig) -> str:
    """Where the state of all jobs lies, with a slash at its end."""
    prefix = config.state_prefix or f"{config.results_prefix.removesuffix('/')}/.steno/"
    return f"{prefix.removesuffix('/')}/"


def folder_of(tenant: str | None) -> str:
    """A tenant's folder among the others.

    Raises:
        ClientError: no tenant can be called so.
    """
    if tenant is None:
        return NO_TENANT
    if not _TENANT.fullmatch(tenant):
        raise ClientError(f"{tenant!r} is no tenant: letters, digits, '.', '_' and '-', at most 64")
    return tenant
