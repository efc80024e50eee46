"""A worker in its container: how it is confined, how it ends, what its health check sees, what it leaves to others."""

from __future__ import annotations

from tests.e2e.image.conftest import Run


async def test_any_command_runs_in_place_of_the_worker(run: Run) -> None:
    container = run("--version")

    assert await container.ended() == 0, container.log
    assert container.log.startswith("steno")
