"""The end of a worker, promise by promise: what it finishes, what it hands back, how long it takes, what it says."""

from __future__ import annotations

import asyncio
import signal
import time
from http import HTTPStatus

from contracts.events import parse_event
from tests import media
from tests.e2e.cable import cable_to
from tests.e2e.fleet import Deployment
from tests.e2e.flight import in_the_engine
from tests.processes import is_running
from tests.stack.broker import Broker
from tests.waiting import until

FAKE = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "1"}
SLOW_S = 4.0
AT_ONCE_S = 5.0
"""A worker with nothing to finish: it leaves, closes and ends its children."""


async def a_clip(deployment: Deployment) -> str:
    path = deployment.folder / "clip.wav"
    await asyncio.to_thread(path.write_bytes, media.make_wav(30 * 16_000))
    return await deployment.upload(path)


async def publish(deployment: Deployment, *job_ids: str, slow_s: float = 0.0) -> None:
    """Jobs of the first partition, so that they come in order."""
    uri = await a_clip(deployment)
    options = {"initial_prompt": f"fake:slow={slow_s}"}
    await deployment.publish(
        *({"job_id": job_id, "input": {"uri": uri}, "options": options} for job_id in job_ids), partition=0
    )


async def ids(deployment: Deployment) -> list[str]:
    records = await deployment.read(deployment.results, 0)
    return [parse_event(record.headers, record.value).id for record in records]


async def test_a_drain_finishes_what_has_begun_and_then_leaves_the_rest_to_others(deployment: Deployment) -> None:
    worker = await deployment.start_worker(**FAKE)
    await publish(deployment, "job-0", slow_s=SLOW_S)
    await in_the_engine(worker, deployment)
    await publish(deployment, *(f"job-{number}" for number in range(1, 6)))
    await in_the_engine(worker, deployment, waiting=1)
    worker.signal(signal.SIGTERM)
    await until(lambda: bool(worker.events("draining")), "it drains")
    status, document = await deployment.health(worker, "/readyz")

    assert (status, document["draining"], document["checks"]["accepting"]) == (
        HTTPStatus.SERVICE_UNAVAILABLE, True, False,
    )  # fmt: skip
    assert (await deployment.health(worker, "/livez"))[0] == HTTPStatus.OK
    heir = await deployment.start_worker(**FAKE)
    assert await worker.ended(within_s=SLOW_S + AT_ONCE_S) == 0
    await until(lambda: len(heir.events("job_settled")) == 5, "the rest is done", within_s=AT_ONCE_S)
    assert [(line["count"], line["reason"]) for line in worker.events("jobs_given_back")] == [(1, "not begun")]
    assert [line["job_id"] for line in worker.events("job_settled")] == ["job-0"]
    await deployment.outcomes(6)
    assert "job-0" not in [line["job_id"] for line in heir.events("job_settled")]
    assert sorted(await ids(deployment)) == [f"-/job-{number}/completed/0" for number in range(6)]


async def test_what_is_not_done_within_the_grace_time_is_handed_back(deployment: Deployment) -> None:
    worker = await deployment.start_worker(**FAKE, STENO_SHUTDOWN__GRACE_S="1")
    await publish(deployment, "long", slow_s=60)
    await in_the_engine(worker, deployment)
    children = worker.descendants
    worker.signal(signal.SIGTERM)
    asked_s = time.monotonic()

    assert await worker.ended(within_s=1 + 2 * AT_ONCE_S) == 0
    assert time.monotonic() - asked_s >= 1
    assert [line["reason"] for line in worker.events("jobs_given_back")] == ["not done in time"]
    assert not any(map(is_running, children))
    assert await ids(deployment) == []
    assert sum((await deployment.committed()).values()) == 0


async def test_a_worker_with_nothing_begun_ends_at_once(deployment: Deployment) -> None:
    uri = await a_clip(deployment)
    async with cable_to(deployment.address.endpoint) as cable:
        address = {"AWS_ENDPOINT_URL_S3": f"http://{cable.address}"}
        idle, waiting = await asyncio.gather(
            deployment.start_worker(**FAKE, STENO_KAFKA__GROUP_ID=f"{deployment.prefix}-idle"),
            deployment.start_worker(**FAKE, **address),
        )
        cable.cut()
        await deployment.publish({"job_id": "job-0", "input": {"uri": uri}})
        await until(lambda: bool(waiting.events("outage_began")), "it waits for the store")
        for worker in (idle, waiting):
            worker.signal(signal.SIGTERM)
        codes = await asyncio.gather(*(worker.ended(within_s=AT_ONCE_S) for worker in (idle, waiting)))

    assert codes == [0, 0]
    assert [line["reason"] for line in waiting.events("jobs_given_back")] == ["not begun"]


async def test_while_the_broker_is_away_a_drain_ends_in_time(own_broker: Broker, deployment_apart: Deployment) -> None:
    deployment = deployment_apart
    worker = await deployment.start_worker(**FAKE, STENO_SHUTDOWN__GRACE_S="3")
    await publish(deployment, "job-0", "job-1", slow_s=1)
    await in_the_engine(worker, deployment, waiting=1)
    assert own_broker.service is not None
    own_broker.service.stop()
    worker.signal(signal.SIGTERM)

    assert await worker.ended(within_s=60) == 0
    assert worker.lines[-1]["event"] == "worker_stopped"
