"""Many jobs through two workers: all of them, each once, each with the engine's own text."""

from __future__ import annotations

import asyncio
import json

from tests import speech
from tests.e2e.conftest import Reference
from tests.e2e.fleet import Deployment, data_of

JOBS = 50


async def test_fifty_jobs_through_two_workers(deployment: Deployment, reference: Reference) -> None:
    workers = await asyncio.gather(deployment.start_worker(), deployment.start_worker())
    uris = {clip.name: await deployment.upload(clip.path) for clip in speech.CLIPS}
    jobs = {f"job-{number}": speech.CLIPS[number % len(speech.CLIPS)] for number in range(JOBS)}
    await deployment.publish(
        *(
            {"job_id": job_id, "input": {"uri": uris[clip.name]}, "options": {"temperature": [0.0]}}
            for job_id, clip in jobs.items()
        )
    )
    events = await deployment.outcomes(JOBS, within_s=300)

    assert {event.id for event in events} == {f"-/{job_id}/completed/0" for job_id in jobs}
    for job_id, clip in jobs.items():
        files = await deployment.files(job_id)
        assert len(files) == 6, job_id
        assert json.loads(files["transcript.json"])["text"] == reference(clip.path), job_id
    assert {data_of(event).worker for event in events} == {"worker-1", "worker-2"}
    assert sum(len(worker.events("job_settled")) for worker in workers) >= JOBS
