"""Questions about named jobs, each put to object storage, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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


async def answers(config: ClientConfig, job_ids: Sequence[str], question: Question) -> list[Answer]:
    """In the order of the ids.

    Raises:
        FatalError: the store does not answer or refuses.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(client: StoreClient, job_id: str) -> Answer:
        async with gate:
            return Answer(job_id, await question(client, job_id))

    try:
        async with StoreClient(config) as client:
            return await asyncio.gather(*(ask(client, job_id) for job_id in job_ids))
    except ClientError as exc:
        raise fatal(exc) from exc
