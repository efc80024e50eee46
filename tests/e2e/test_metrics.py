"""What a real worker tells Prometheus of the jobs that it took."""

from __future__ import annotations

import asyncio

import aiohttp
from prometheus_client import parser

from consumer.adapters.metrics import METRICS, Type
from tests import media
from tests.e2e.fleet import Deployment
from tests.e2e.worker_process import WorkerProcess
from tests.waiting import until


async def scrape(worker: WorkerProcess) -> tuple[set[str], dict[tuple[str, ...], float]]:
    """Families, and samples by name and label values."""
    port = worker.events("health_listening")[0]["port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.status == 200
        families = list(parser.text_string_to_metric_families(await response.text()))
    samples = [sample for family in families for sample in family.samples]
    labels = [tuple(value for _, value in sorted(sample.labels.items())) for sample in samples]
    values = {(sample.name, *values): sample.value for sample, values in zip(samples, labels, strict=True)}
    return {family.name for family in families}, values


async def test_a_worker_counts_what_it_did(deployment: Deployment) -> None:
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(30 * 16_000))
    uri = await deployment.upload(path)
    worker = await deployment.start_worker(STENO_ENGINE__KIND="fake")
    crash = {"options": {"initial_prompt": "fake:crash"}}
    await deployment.publish(
        {"job_id": "good", "input": {"uri": uri}}, b"not json", {"job_id": "bad", "input": {"uri": uri}, **crash}
    )
    await deployment.outcomes(3)
    names: set[str] = set()
    found: dict[tuple[str, ...], float] = {}

    async def are_settled() -> bool:
        nonlocal names, found
        names, found = await scrape(worker)
        return found["steno_jobs_in_progress",] == 0 and found["steno_ready",] == 1

    await until(are_settled, "settled jobs")
    assert names >= {
        metric.name.removesuffix("_total") if metric.type is Type.COUNTER else metric.name for metric in METRICS
    }
    assert found["steno_jobs_total", "", "completed"] == 1
    assert found["steno_jobs_total", "REQUEST_INVALID", "failed"] == 1
    assert found["steno_jobs_total", "ENGINE_CRASHED", "failed"] == 1
    assert found["steno_dead_letters_total", "REQUEST_INVALID"] == 1
    assert found["steno_deliveries_received_total",] == 3 + len(deployment.delays_ms)
    assert found["steno_audio_seconds_total",] == 30.0
    assert found["steno_stage_seconds_count", "engine"] == 1
    assert found["steno_engine_ends_total", "crash"] >= 1
    assert found["steno_model_loads_total",] == 1 + found["steno_engine_ends_total", "crash"]
    assert found["steno_ready_check", "group_joined"] == 1
    assert found["process_resident_memory_bytes",] > 0
