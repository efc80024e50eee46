"""All jobs of which object storage knows something, newest first."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from contracts.client.config import ClientConfig
from contracts.client.judgement import needs_lease
from contracts.client.states import NAMES, States, folder_of, state_prefix
from contracts.client.storage import Storage
from contracts.requests import JOB_ID_PATTERN, TENANT_PATTERN
from contracts.state import LEASE_NAME, NO_TENANT, STATUS_NAME, JobState, JobStatus

OnListed = Callable[[int], None]
"""Told how many objects were listed so far. An exception out of it ends the listing."""

_READS_AT_ONCE: Final = 32
_FOLDERS_AT_ONCE: Final = 4
_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_TENANT: Final = re.compile(TENANT_PATTERN)

_Key = tuple[str | None, str]
_Times = dict[str, datetime]
"""When each object of a job was written, by its name."""

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are to be listed; None is no restriction."""

    tenant: str | None = None
    """`-`: those of no tenant."""
    state: JobState | None = None
    since: datetime | None = None
    """Those of which something was written since then."""


async def list_jobs(
    storage: Storage, config: ClientConfig, wanted: Wanted, on_listed: OnListed
) -> AsyncGenerator[JobStatus, None]:
    """Jobs that are wanted, newest first: by when something was written about them last.

    Everything is listed before the first one comes, because stores list by name; then they are read as they are
    asked for, a few ahead.

    Raises:
        ClientError: the store does not answer or refuses; the tenant is none.
    """
    found = await _Look(storage, state_prefix(config), on_listed).run(wanted.tenant)
    recent = {key: times for key, times in found.items() if wanted.since is None or _last(times) >= wanted.since}
    keys = sorted(recent, key=lambda key: _last(recent[key]), reverse=True)
    states = States(storage, config)

    async def read(key: _Key) -> JobStatus | None:
        tenant, job_id = key
        return await states.status(job_id, tenant, _telling(recent[key]))

    async with aclosing(_read_ahead(keys, read)) as jobs:
        async for job in jobs:
            if job is not None and wanted.state in {None, job.state}:
                yield job


class _Look:
    """One look at everything there is; use once."""

    def __init__(self, storage: Storage, prefix: str, on_listed: OnListed) -> None:
        self._storage = storage
        self._prefix = prefix
        self._on_listed = on_listed
        self._gate = asyncio.Semaphore(_FOLDERS_AT_ONCE)
        self._found: dict[_Key, _Times] = {}
        self._count = 0

    async def run(self, tenant: str | None) -> Mapping[_Key, _Times]:
        """Every job of one tenant, or of all."""
        try:
            async with asyncio.TaskGroup() as group:
                for folder in await self._folders(tenant):
                    group.create_task(self._list(folder))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return self._found

    async def _folders(self, tenant: str | None) -> list[str]:
        if tenant is not None:
            return [folder_of(None if tenant == NO_TENANT else tenant)]
        found = await self._storage.folders(self._prefix)
        return [each for each in found if each == NO_TENANT or _TENANT.fullmatch(each)]

    async def _list(self, folder: str) -> None:
        tenant = None if folder == NO_TENANT else folder
        async with self._gate, aclosing(self._storage.pages(f"{self._prefix}{folder}/")) as pages:
            async for page in pages:
                for within, written_at in page:
                    job_id, _, name = within.partition("/")
                    if name in NAMES and _JOB_ID.fullmatch(job_id):
                        self._found.setdefault((tenant, job_id), {})[name] = written_at
                self._count += len(page)
                self._on_listed(self._count)


async def _read_ahead(items: Iterable[In], work: Callable[[In], Awaitable[Out]]) -> AsyncGenerator[Out, None]:
    """Results in the order of the items, of which some are worked on at once."""

    async def run(item: In) -> Out:
        return await work(item)

    ahead: deque[asyncio.Task[Out]] = deque()
    try:
        for item in items:
            ahead.append(asyncio.create_task(run(item)))
            if len(ahead) == _READS_AT_ONCE:
                yield await ahead.popleft()
        while ahead:
            yield await ahead.popleft()
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


def _last(times: _Times) -> datetime:
    return max(times.values())


def _telling(times: _Times) -> frozenset[str]:
    """Names of the objects that can say something: a lease that is older than the status cannot."""
    has_use = needs_lease(times.get(STATUS_NAME), times.get(LEASE_NAME))
    return frozenset(times) - (frozenset() if has_use else {LEASE_NAME})
