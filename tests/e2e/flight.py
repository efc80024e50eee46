"""What a worker has in flight, as it tells at `/readyz`."""

from __future__ import annotations

from typing import Final

from tests.e2e.fleet import Deployment
from tests.e2e.worker_process import WorkerProcess
from tests.waiting import until

_LOOKS: Final = 2


async def in_the_engine(worker: WorkerProcess, deployment: Deployment, *, waiting: int = 0) -> None:
    """Waits until one job is in the engine, and so many wait for it."""
    wanted = {"deliveries": 1 + waiting, "not_begun": waiting, "parked": 0}
    seen = 0

    async def are_in_flight() -> bool:
        # Twice in a row: at its arrival a delivery has for a moment no job that has not begun.
        nonlocal seen
        is_so = (await deployment.health(worker, "/readyz"))[1]["in_flight"] == wanted
        seen = seen + 1 if is_so else 0
        return seen >= _LOOKS

    await until(are_in_flight, "jobs in flight", within_s=60)
