"""Which checks make sense here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from consumer.doctor.broker import broker_checks
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, unchecked
from consumer.settings import Settings

WORKERS_ALONE: Final = (
    "rights, group, store, state, outputs, inputs, clock, models, device, decoder, sandbox, scratch, memory, open files"
)


@asynccontextmanager
async def planned(settings: Settings, *, is_worker: bool) -> AsyncIterator[list[Check]]:
    """The checks for these settings; what they open is closed at the end.

    Args:
        settings: what is meant to work.
        is_worker: whether the extra `worker` is installed; without it only a client's checks can be made.
    """
    async with AsyncExitStack() as stack:
        if not is_worker:
            yield [*broker_checks(settings), Check("worker", _cannot_look)]
            return
        from consumer.doctor.worker import worker_checks  # noqa: PLC0415 - its imports want the extra

        yield [*broker_checks(settings), *worker_checks(settings, stack)]


async def _cannot_look() -> Finding:
    advice = "nothing for a client; where a worker shall run: pip install 'steno[worker]'"
    return unchecked(f" on the base install: {WORKERS_ALONE}", advice)
