"""Many inputs at once: each is tried, and one that fails holds up none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from contracts.client.errors import ClientError, SubmitError
from contracts.client.jobs import JobHandle

_AT_ONCE: Final = 4


async def submit_each(sources: Sequence[str], submit: Callable[[str], Awaitable[JobHandle]]) -> list[JobHandle]:
    """Handles in the order of the sources.

    Raises:
        SubmitError: some were not submitted; it tells which were.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def attempt(source: str) -> JobHandle | ClientError:
        async with gate:
            try:
                return await submit(source)
            except ClientError as exc:
                return exc

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(source)) for source in sources]
    ended = {source: task.result() for source, task in zip(sources, tasks, strict=True)}
    submitted = [each for each in ended.values() if isinstance(each, JobHandle)]
    if failed := {source: each for source, each in ended.items() if isinstance(each, ClientError)}:
        raise SubmitError(submitted, failed)
    return submitted
