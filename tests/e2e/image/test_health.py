"""The health check of the image while the broker goes and comes back: the container tells, and lives on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import deployed
from tests.e2e.fleet import Deployment
from tests.e2e.image.conftest import inside_of, wanted
from tests.e2e.image.contained import Run
from tests.e2e.image.site import FAKE, Site
from tests.stack.containers import Contained, redpanda_container
from tests.stack.store import address_of

log = logging.getLogger(__name__)
EVERY_S = 1
"""How often the health check is made; three failures in a row make a container unhealthy, as the image has it."""
NANOSECONDS = 10**9


@pytest.fixture
def own_redpanda() -> Iterator[Contained]:
    """A broker that no other test meets."""
    with ExitStack() as stack:
        yield wanted(lambda: stack.enter_context(redpanda_container("own-redpanda")))


async def test_while_the_broker_is_away_the_container_is_unhealthy_and_lives_on(
    own_redpanda: Contained, localstack: Contained, run: Run, unique: str, tmp_path: Path
) -> None:
    made = Deployment(own_redpanda.outside, address_of(localstack.outside), unique, tmp_path)
    broker = own_redpanda.container.get_wrapped_container()
    async with deployed(made):
        site = Site(made, inside_of(own_redpanda, localstack), run)
        worker = await site.start(
            changes={**FAKE, "STENO_KAFKA__SESSION_TIMEOUT_MS": "6000"},
            healthcheck={"interval": EVERY_S * NANOSECONDS, "retries": 3},
            restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
        )
        await worker.until(lambda: worker.health == "healthy", "health")
        before = worker.state["Pid"]
        broker.stop(timeout=15)
        gone_s = time.monotonic()
        await worker.until(lambda: worker.health == "unhealthy", "the broker is missed", within_s=90)
        log.info("unhealthy %.1f s after the broker was stopped", time.monotonic() - gone_s)
        broker.start()
        back_s = time.monotonic()
        await worker.until(lambda: worker.health == "healthy", "health again", within_s=90)
        log.info("healthy %.1f s after the broker was started again", time.monotonic() - back_s)

        assert (worker.state["Pid"], worker.restarts) == (before, 0)
        await site.publish("after")
        await made.outcomes(1)
