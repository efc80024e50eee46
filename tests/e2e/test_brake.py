"""A bad deploy does not drain a topic into the dead letters."""

from __future__ import annotations

import asyncio

from consumer.core.failures import ExitCode
from tests import media
from tests.e2e.fleet import Deployment

JOBS = 12
RUN = 4


async def test_a_worker_at_which_every_job_fails_stops_and_leaves_the_rest_where_it_is(deployment: Deployment) -> None:
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(16_000))
    uri = await deployment.upload(path)
    await deployment.publish(*({"job_id": f"job-{number}", "input": {"uri": uri}} for number in range(JOBS)))
    bad = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__FAKE_SWITCHES": "error"}
    worker = deployment.launch_worker(**bad, STENO_BRAKE__RUN=str(RUN), STENO_RETRY__DELAYS_MS="none")

    assert await worker.ended() == ExitCode.BRAKE
    assert len(await deployment.read(deployment.dead_letters, RUN - 1)) == RUN - 1
    assert sum((await deployment.committed()).values()) <= RUN - 1
    last = worker.log_path.read_text("utf-8").splitlines()[-1]
    assert last.startswith(f"steno: {RUN} jobs in a row failed ({RUN} INTERNAL; STENO_BRAKE__RUN)")
    good = await deployment.start_worker(STENO_ENGINE__KIND="fake")
    await deployment.outcomes(JOBS)
    assert {line["outcome"] for line in good.events("job_settled")} == {"completed"}
