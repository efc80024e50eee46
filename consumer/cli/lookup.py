"""Questions about named jobs, each put to object storage, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from consumer.cli.access import fatal
from contracts.client import ClientConfig, ClientError, StoreClient
from contracts.state import JobStatus

_AT_ONCE: Final = 16

Question = Callable[[StoreClient, str], Awaitable[JobStatus | None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store has of one job."""

    job_id: str
    job: JobStatus | None


@asynccontextmanager
async def store_client(config: ClientConfig) -> AsyncIterator[StoreClient]:
    """A client that needs no broker.

    Raises:
        FatalError: within it, too, the store does not answer or refuses.
    """
    try:
        async with StoreClient(config) as client:
            yield client
    except ClientError as exc:
        raise fatal(exc) from exc


async def answers(config: ClientConfig, job_ids: Sequence[str], question: Question) -> list[Answer]:
    """In the order of the ids.

    Raises:
        ExceptionGroup: of FatalErrors; the store does not answer or refuses.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(client: StoreClient, job_id: str) -> Answer:
        async with gate:
            try:
                return Answer(job_id, await question(client, job_id))
            except ClientError as exc:
                raise fatal(exc) from exc

    async with store_client(config) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(client, job_id)) for job_id in job_ids]
    return [task.result() for task in tasks]
