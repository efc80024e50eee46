"""Workers in containers: how they end, what they leave to each other, and that nothing is lost by it."""

from __future__ import annotations

import logging
import time

from tests.e2e.image.contained import Run
from tests.e2e.image.site import FAKE, Site

log = logging.getLogger(__name__)
SLOW_S = 4.0
AT_ONCE_S = 10.0
"""A worker with nothing to finish: it leaves, closes and ends its children."""


async def test_any_command_runs_in_place_of_the_worker(run: Run) -> None:
    container = run("--version")

    assert await container.ended() == 0
    assert container.log.startswith("steno")


async def test_sigterm_lets_a_job_end_and_then_the_container(site: Site) -> None:
    worker = await site.start(changes=FAKE)
    await site.publish("begun", fake=f"fake:slow={SLOW_S}")
    await site.in_the_engine(worker)
    asked_s = time.monotonic()
    worker.signal("SIGTERM")

    assert await worker.ended(within_s=SLOW_S + AT_ONCE_S) == 0
    log.info("SIGTERM, %.0f s of a job to go: exit after %.1f s", SLOW_S, time.monotonic() - asked_s)
    assert await site.published() == ["-/begun/completed/0"]
    assert worker.lines[-1]["event"] == "worker_stopped"


async def test_what_sigterm_cut_short_is_done_after_a_restart_and_shows_once(site: Site) -> None:
    worker = await site.start(changes={**FAKE, "STENO_SHUTDOWN__GRACE_S": "1"})
    await site.publish("long", fake="fake:slow=15")
    await site.in_the_engine(worker)
    asked_s = time.monotonic()
    worker.signal("SIGTERM")

    assert await worker.ended(within_s=1 + 2 * AT_ONCE_S) == 0
    log.info("SIGTERM, a job cut short: exit after %.1f s", time.monotonic() - asked_s)
    assert [line["reason"] for line in worker.events("jobs_given_back")] == ["not done in time"]
    assert await site.published() == []
    worker.container.start()
    await site.deployment.outcomes(1)
    assert await site.published() == ["-/long/completed/0"]
    assert "manifest.json" in await site.deployment.files("long")


async def test_a_job_of_a_container_that_was_killed_is_done_by_another(site: Site) -> None:
    victim = await site.start(changes=FAKE)
    await site.publish("caught", "behind", fake="fake:slow=2")
    await site.in_the_engine(victim, waiting=1)
    victim.signal("SIGKILL")
    killed_s = time.monotonic()

    assert await victim.ended(within_s=AT_ONCE_S) == 128 + 9
    heir = await site.start(changes=FAKE)
    await site.deployment.outcomes(2)
    log.info("SIGKILL: both jobs done by another after %.1f s", time.monotonic() - killed_s)
    await heir.until(lambda: len(heir.events("job_settled")) == 2, "both jobs are settled")
    assert await site.published() == ["-/behind/completed/0", "-/caught/completed/0"]


async def test_two_containers_share_the_work(site: Site) -> None:
    workers = [await site.start(changes=FAKE) for _ in range(2)]
    uri = await site.deployment.upload(await site.clip())
    jobs = [f"job-{number}" for number in range(16)]
    await site.deployment.publish(*({"job_id": job_id, "input": {"uri": uri}} for job_id in jobs))

    await site.deployment.outcomes(len(jobs))
    assert await site.published() == sorted(f"-/{job_id}/completed/0" for job_id in jobs)
    for worker in workers:
        assert worker.events("job_settled"), worker.tail
