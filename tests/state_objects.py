"""Leases, statuses and cancel markers of a worker with fakes around it, as tests place and read them."""

from __future__ import annotations

import asyncio
from typing import Any

from consumer.core.leases import LeaseDocument, LeaseState, read_lease
from consumer.core.locations import state_uri
from contracts.state import LEASE_NAME, STATUS_NAME, StatusDocument
from tests.make import NOW
from tests.waiting import until
from tests.worker_bench import STATE, Bench

HELD = LeaseDocument(worker="gpu-9", token="theirs", deliveries=1, ttl_s=15, taken_at=NOW)


def place(name: str, job_id: str = "a") -> str:
    return state_uri(STATE, None, job_id, name)


class Rests:
    """Every pause of a bench lasts until they end."""

    def __init__(self, bench: Bench) -> None:
        self._are_over = asyncio.Event()
        bench.rest = self._rest

    def end(self) -> None:
        self._are_over.set()

    async def _rest(self, _: float) -> None:
        await self._are_over.wait()
        await asyncio.sleep(0)


def put_lease(bench: Bench, job_id: str = "a", **changes: Any) -> None:
    bench.store.put(place(LEASE_NAME, job_id), HELD.model_copy(update=changes).model_dump_json().encode())


def lease_of(bench: Bench, job_id: str = "a") -> LeaseDocument:
    found = read_lease(bench.store.objects[place(LEASE_NAME, job_id)])
    assert found is not None
    return found


def deliveries_of(bench: Bench, *job_ids: str) -> dict[LeaseState, int]:
    leases = [lease_of(bench, job_id) for job_id in job_ids]
    return {lease.state: lease.deliveries for lease in leases}


def status_of(bench: Bench, job_id: str = "a") -> StatusDocument:
    return StatusDocument.model_validate_json(bench.store.objects[place(STATUS_NAME, job_id)])


async def ended(bench: Bench, count: int = 1) -> None:
    async with bench.running():
        await until(lambda: len(bench.outcomes) >= count, "the outcomes", every_s=0)
