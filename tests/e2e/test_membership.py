"""Who is slow is not who is dead: a worker stays in its group however long its jobs run and its intake is paused."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests import media
from tests.bench.fleet import Membership, transcriptions_begun, watching
from tests.e2e.fleet import Deployment
from tests.waiting import until

FAKE = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "1"}
SHORTEST_POLL_MS = 3_000
"""That may be set."""


def settings_of(session_ms: int) -> dict[str, str]:
    """Of a worker that is thrown out soon after it falls silent, or polls no more."""
    return {
        **FAKE,
        "STENO_KAFKA__SESSION_TIMEOUT_MS": str(session_ms),
        "STENO_KAFKA__MAX_POLL_INTERVAL_MS": str(max(session_ms + 1_000, SHORTEST_POLL_MS)),
    }


async def publish_jobs(deployment: Deployment, jobs: dict[str, int], *, slow_s: float) -> None:
    """Publishes each to its partition; those that are named slow take so many seconds."""
    clip = deployment.folder / "clip.wav"
    await asyncio.to_thread(clip.write_bytes, media.make_wav(30 * 16_000))
    uri = await deployment.upload(clip)
    for job_id, partition in jobs.items():
        options = {"initial_prompt": f"fake:slow={slow_s if job_id.startswith('slow') else 0}"}
        await deployment.publish({"job_id": job_id, "input": {"uri": uri}, "options": options}, partition=partition)


async def test_jobs_longer_than_session_and_poll_interval_finish_once_and_nobody_leaves(
    deployment: Deployment, session_ms: int
) -> None:
    short = settings_of(session_ms)
    workers = await asyncio.gather(deployment.start_worker(**short), deployment.start_worker(**short))
    jobs = {
        f"{kind}-{number}": number % 4 for kind in ("slow", "quick") for number in range(4 if kind == "slow" else 20)
    }
    seen: list[Membership] = []

    async def is_complete() -> bool:
        return bool(seen) and (seen[-1].state, seen[-1].members) == ("Stable", ["worker-1", "worker-2"])

    async with watching(deployment, seen):
        await until(is_complete, "a group of two")
        del seen[:-1]
        # Longer than both. A worker has one slot and two of these; what comes behind them waits at the broker as long.
        await publish_jobs(deployment, jobs, slow_s=2.5 * session_ms / 1000)
        events = await deployment.outcomes(len(jobs))
    assert len(seen) == 1, seen
    assert sorted(event.id for event in events) == sorted(f"-/{job_id}/completed/0" for job_id in jobs)
    assert await transcriptions_begun(deployment) == Counter(jobs.keys())
    assert [line for worker in workers for line in worker.events("consumer_rebuilt")] == []
