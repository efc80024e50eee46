"""What workers leave beside jobs in object storage, placed by a test that plays them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import aioboto3

from consumer.core.jobs import Job, make_job
from consumer.core.leases import LeaseDocument, LeaseState
from consumer.core.statuses import AttemptEnd, AttemptRun, make_status
from contracts.client import ClientConfig
from contracts.events import Kind, OutcomeEvent
from contracts.requests import Input, TranscriptionRequest
from contracts.state import CancelMarker, JobState, StatusDocument
from contracts.transcript import Manifest
from tests.stack.store import S3Address

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client


@dataclass(frozen=True, slots=True)
class Beside:
    """One bucket, with results and state where a client of `config` looks for them."""

    s3: S3Client
    bucket: str
    folder: str = "results/"
    """Where results go in the bucket."""

    @classmethod
    @asynccontextmanager
    async def opened(cls, address: S3Address, bucket: str, folder: str = "results/") -> AsyncIterator[Self]:
        session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
        async with session.client("s3", endpoint_url=address.endpoint) as s3:
            yield cls(s3, bucket, folder)

    @property
    def config(self) -> ClientConfig:
        """Of a client that has no broker."""
        return ClientConfig(bootstrap_servers="127.0.0.1:1", results_prefix=self.results)

    @property
    def results(self) -> str:
        return f"s3://{self.bucket}/{self.folder}"

    def job(self, job_id: str, tenant: str | None = None) -> Job:
        request = TranscriptionRequest(job_id=job_id, tenant=tenant, input=Input(uri="s3://media/a.mp3"))
        return make_job(request, default_output=self.results)

    async def put(self, key: str, body: bytes) -> None:
        await self.s3.put_object(Bucket=self.bucket, Key=f"{self.folder}{key}", Body=body)

    async def status(self, job_id: str, state: JobState, tenant: str | None = None, **end: Any) -> StatusDocument:
        now = datetime.now(UTC)
        found = make_status(self.job(job_id, tenant), AttemptRun("gpu-3", now), AttemptEnd(state, **end), now=now)
        await self.put(f".steno/{tenant or '-'}/{job_id}/status", found.model_dump_json().encode())
        return found

    async def lease(self, job_id: str, *, ttl_s: float = 15.0, state: LeaseState = LeaseState.HELD) -> None:
        document = LeaseDocument(
            state=state, worker="gpu-4", token="t", deliveries=1, ttl_s=ttl_s, taken_at=datetime.now(UTC)
        )
        await self.put(f".steno/-/{job_id}/lease", document.model_dump_json().encode())

    async def manifest(self, job_id: str, tenant: str | None = None) -> None:
        job = self.job(job_id, tenant)
        outcome = OutcomeEvent(
            job_id=job_id, outcome=Kind.COMPLETED, input="s3://media/a.mp3", attempt=1, worker="gpu-3", error=None,
            manifest=f"{self.results}{job_id}/manifest.json", tenant=tenant,
        )  # fmt: skip
        document = Manifest(job_id=job_id, fingerprint=job.fingerprint, files=[], outcome=outcome)
        await self.put(f"{job_id}/manifest.json", document.model_dump_json().encode())

    async def marker(self, job_id: str, tenant: str | None = None) -> CancelMarker | None:
        """What `cancel` left."""
        key = f"{self.folder}.steno/{tenant or '-'}/{job_id}/cancel"
        try:
            response = await self.s3.get_object(Bucket=self.bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return CancelMarker.model_validate_json(await response["Body"].read())
