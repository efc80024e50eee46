"""The store away while a queue waits: nothing is taken, nothing fails, and all of it is done afterwards."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import Final

from contracts.events import Kind, parse_event
from tests import media
from tests.e2e.cable import cable_to
from tests.e2e.fleet import Deployment, data_of
from tests.e2e.scraping import scrape
from tests.e2e.worker_process import WorkerProcess
from tests.waiting import until

JOBS: Final = [f"job-{number}" for number in range(20)]
AWAY_S: Final = 3.0
REASON: Final = "STORAGE_UNAVAILABLE"
FAKE: Final = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "2"}


async def publish_queue(deployment: Deployment) -> None:
    """More jobs than are taken at once, none of them quick."""
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(16_000))
    uri = await deployment.upload(path)
    slow = {"initial_prompt": "fake:slow=0.3"}
    await deployment.publish(*({"job_id": job, "input": {"uri": uri}, "options": slow} for job in JOBS))


async def assert_nothing_is_taken(deployment: Deployment, worker: WorkerProcess) -> None:
    """The worker says that it has paused, and does not take a job until the fault is over."""
    before = (await scrape(worker)).values
    assert before["steno_intake_paused", REASON] == 1
    _, document = await deployment.health(worker, "/readyz")
    assert [outage["code"] for outage in document["outages"]] == [REASON]
    await asyncio.sleep(AWAY_S)  # how long the fault lasts; nothing is awaited
    received = (await scrape(worker)).values["steno_deliveries_received_total",]
    assert received == before["steno_deliveries_received_total",] < len(JOBS)


async def test_a_store_that_is_away_pauses_intake_and_every_job_is_done_once(deployment: Deployment) -> None:
    async with cable_to(deployment.address.endpoint) as cable:
        worker = await deployment.start_worker(AWS_ENDPOINT_URL_S3=f"http://{cable.address}", **FAKE)
        await publish_queue(deployment)
        await until(lambda: bool(worker.events("job_settled")), "a first job")
        cable.cut()
        await until(lambda: bool(worker.events("outage_began")), "it waits")
        await assert_nothing_is_taken(deployment, worker)
        cable.mend()
        await deployment.outcomes(len(JOBS))
    await until(lambda: len(worker.events("job_settled")) == len(JOBS), "a log line for each")
    after = (await scrape(worker)).values
    worker.signal(signal.SIGTERM)

    assert await worker.ended() == 0
    records = await deployment.read(deployment.results, len(JOBS))
    events = [parse_event(record.headers, record.value) for record in records]
    assert Counter(event.id for event in events) == Counter(f"-/{job}/completed/0" for job in JOBS)
    assert {data_of(event).outcome for event in events} == {Kind.COMPLETED}
    assert await deployment.read(deployment.dead_letters, 0) == []
    assert (after["steno_intake_paused", REASON], after["steno_outages_total", REASON]) == (0, 1)
    assert [len(worker.events(action)) for action in ("outage_began", "outage_ended")] == [1, 1]
