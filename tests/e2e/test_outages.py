"""The store away while a queue waits: nothing is taken, nothing fails, and all of it is done afterwards."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter

import aiohttp
from prometheus_client import parser

from contracts.events import Kind, parse_event
from tests import media
from tests.e2e.cable import cable_to
from tests.e2e.fleet import Deployment, data_of
from tests.e2e.worker_process import WorkerProcess
from tests.waiting import until

JOBS = 20
AWAY_S = 3.0
REASON = {"reason": "STORAGE_UNAVAILABLE"}
FAKE = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "2"}


async def metric(worker: WorkerProcess, name: str, labels: dict[str, str]) -> float:
    """One value of a worker's `/metrics`."""
    port = worker.events("health_listening")[0]["port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        page = await response.text()
    samples = [sample for family in parser.text_string_to_metric_families(page) for sample in family.samples]
    (value,) = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    return value


async def test_a_store_that_is_away_pauses_intake_and_every_job_is_done_once(deployment: Deployment) -> None:
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(16_000))
    uri = await deployment.upload(path)
    jobs = [f"job-{number}" for number in range(JOBS)]
    slow = {"initial_prompt": "fake:slow=0.3"}
    async with cable_to(deployment.address.endpoint) as cable:
        worker = await deployment.start_worker(AWS_ENDPOINT_URL_S3=f"http://{cable.address}", **FAKE)
        await deployment.publish(*({"job_id": job, "input": {"uri": uri}, "options": slow} for job in jobs))
        await until(lambda: bool(worker.events("job_settled")), "a first job")
        cable.cut()
        await until(lambda: bool(worker.events("outage_began")), "it waits")
        received = await metric(worker, "steno_deliveries_received_total", {})
        assert await metric(worker, "steno_intake_paused", REASON) == 1
        _, document = await deployment.health(worker, "/readyz")
        assert [outage["code"] for outage in document["outages"]] == ["STORAGE_UNAVAILABLE"]
        await asyncio.sleep(AWAY_S)  # how long the fault lasts; nothing is awaited
        assert await metric(worker, "steno_deliveries_received_total", {}) == received < JOBS
        cable.mend()
        await deployment.outcomes(JOBS)
    await until(lambda: len(worker.events("job_settled")) == JOBS, "a log line for each")
    paused, outages = [await metric(worker, name, REASON) for name in ("steno_intake_paused", "steno_outages_total")]
    worker.signal(signal.SIGTERM)

    assert await worker.ended() == 0
    events = [parse_event(record.headers, record.value) for record in await deployment.read(deployment.results, JOBS)]
    assert Counter(event.id for event in events) == Counter(f"-/{job}/completed/0" for job in jobs)
    assert {data_of(event).outcome for event in events} == {Kind.COMPLETED}
    assert await deployment.read(deployment.dead_letters, 0) == []
    assert (paused, outages) == (0, 1)
    assert [len(worker.events(action)) for action in ("outage_began", "outage_ended")] == [1, 1]
