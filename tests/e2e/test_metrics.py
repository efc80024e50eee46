"""What a real worker tells Prometheus of the jobs that it took."""

from __future__ import annotations

import asyncio
from typing import Any

from consumer.adapters.metrics import METRICS, Type
from tests import media
from tests.e2e.fleet import Deployment
from tests.e2e.scraping import Scrape, scrape
from tests.e2e.worker_process import WorkerProcess
from tests.waiting import until

AUDIO_S = 30


async def publish_three(deployment: Deployment) -> None:
    """A job that completes, one that crashes the engine, and what is no request."""
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(AUDIO_S * 16_000))
    fine: dict[str, Any] = {"input": {"uri": await deployment.upload(path)}}
    crash = {"options": {"initial_prompt": "fake:crash"}}
    await deployment.publish({"job_id": "good", **fine}, b"not json", {"job_id": "bad", **fine, **crash})


async def scraped_at_rest(worker: WorkerProcess) -> Scrape:
    """What is told when no job is under way and the worker is ready for more."""
    found: Scrape | None = None

    async def is_at_rest() -> bool:
        nonlocal found
        found = await scrape(worker)
        return found.values["steno_jobs_in_progress",] == 0 and found.values["steno_ready",] == 1

    await until(is_at_rest, "settled jobs")
    assert found is not None
    return found


async def test_a_worker_counts_what_it_did(deployment: Deployment) -> None:
    worker = await deployment.start_worker(STENO_ENGINE__KIND="fake")
    await publish_three(deployment)
    await deployment.outcomes(3)
    found = await scraped_at_rest(worker)
    assert found.families >= {
        metric.name.removesuffix("_total") if metric.type is Type.COUNTER else metric.name for metric in METRICS
    }
    values = found.values
    assert values["steno_jobs_total", "", "completed"] == 1
    assert values["steno_jobs_total", "REQUEST_INVALID", "failed"] == 1
    assert values["steno_jobs_total", "ENGINE_CRASHED", "failed"] == 1
    assert values["steno_dead_letters_total", "REQUEST_INVALID"] == 1
    assert values["steno_deliveries_received_total",] == 3 + len(deployment.delays_ms)
    assert values["steno_audio_seconds_total",] == AUDIO_S
    assert values["steno_stage_seconds_count", "engine"] == 1
    assert values["steno_engine_ends_total", "crash"] >= 1
    assert values["steno_model_loads_total",] == 1 + values["steno_engine_ends_total", "crash"]
    assert values["steno_ready_check", "group_joined"] == 1
    assert values["process_resident_memory_bytes",] > 0
