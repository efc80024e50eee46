"""Nothing is lost and nothing is visibly doubled, whatever ends a worker."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumer.core.resultset import derive_result_set
from contracts.events import Kind, parse_event
from contracts.transcript import Manifest, Transcript
from tests import speech
from tests.e2e.cable import cable_to
from tests.e2e.conftest import Reference
from tests.e2e.fleet import Deployment, data_of
from tests.processes import descendants_of
from tests.stack.broker import Broker
from tests.waiting import until

REBALANCE_S = 120.0
FREEZE_S = 10.0
FROZEN_JOBS = 24


async def working_on(deployment: Deployment, *, within_s: float = 60.0) -> None:
    """Waits until some worker has said that it transcribes."""
    await deployment.read(f"{deployment.prefix}.progress", 1, within_s=within_s)


async def test_a_killed_worker_loses_nothing_and_leaves_no_child(deployment: Deployment, tmp_path: Path) -> None:
    victim = await deployment.start_worker()
    long = speech.join([speech.ENGLISH, speech.SHORT], tmp_path / "long.wav", at_least_s=120)
    uri = await deployment.upload(long)
    short = await deployment.upload(speech.SHORT.path)
    await deployment.publish({"job_id": "long", "input": {"uri": uri}, "options": {"temperature": [0.0]}})
    await working_on(deployment)
    await deployment.publish(*({"job_id": f"short-{n}", "input": {"uri": short}} for n in range(4)))
    children = victim.descendants
    victim.signal(signal.SIGKILL)
    await victim.ended()

    assert len(children) >= 2
    await until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "children end", within_s=10)
    heir = await deployment.start_worker()
    events = await deployment.outcomes(5, within_s=REBALANCE_S)
    assert {event.id for event in events} == {
        "-/long/completed/0", *(f"-/short-{n}/completed/0" for n in range(4))
    }  # fmt: skip
    assert await _is_whole(deployment, "long")
    settled = [line["job_id"] for worker in (victim, heir) for line in worker.events("job_settled")]
    assert settled.count("long") == 1
    begun = await _transcriptions_begun(deployment)
    assert begun["long"] == 2
    # Its outcome was not told before the end; that of a short one may have been, and not yet committed.
    assert [event.id for event in events].count("-/long/completed/0") == 1
    assert set(begun.values()) <= {1, 2}


async def test_a_frozen_worker_that_wakes_up_changes_nothing(
    deployment: Deployment, tmp_path: Path, reference: Reference
) -> None:
    frozen = await deployment.start_worker()
    long = speech.join([speech.ENGLISH, speech.SHORT], tmp_path / "long.wav", at_least_s=60)
    uri = await deployment.upload(long)
    await deployment.publish({"job_id": "long", "input": {"uri": uri}, "options": {"temperature": [0.0]}})
    await working_on(deployment)
    frozen.signal(signal.SIGSTOP)
    heir = await deployment.start_worker()
    (event,) = await deployment.outcomes(1, within_s=REBALANCE_S)
    before = await deployment.files("long")
    frozen.signal(signal.SIGCONT)
    await until(lambda: bool(frozen.events("job_settled")), "the frozen worker ends its job", within_s=REBALANCE_S)

    assert await deployment.files("long") == before
    assert await _is_whole(deployment, "long")
    assert Transcript.model_validate_json(before["transcript.json"]).text == reference(long)
    assert data_of(event).worker == "worker-2"
    assert {event.id for event in await deployment.outcomes(1)} == {"-/long/completed/0"}
    assert [line["is_repeat"] for line in heir.events("job_settled")] == [False]


async def test_two_workers_that_write_one_job_at_once_write_one_result(deployment: Deployment) -> None:
    workers = await asyncio.gather(deployment.start_worker(), deployment.start_worker())
    request = {"job_id": "twin", "input": {"uri": await deployment.upload(speech.ENGLISH.path)}}
    for partition in range(4):
        await deployment.publish(request, partition=partition)
    await deployment.read(deployment.results, 4)

    assert await _is_whole(deployment, "twin")
    events = await deployment.outcomes(1)
    assert len({(event.id, event.data.model_dump_json()) for event in events}) == 1
    assert sum(len(worker.events("job_settled")) for worker in workers) == 4


async def test_the_store_away_means_waiting_and_no_dead_letter(deployment: Deployment) -> None:
    uri = await deployment.upload(speech.SHORT.path)
    async with cable_to(deployment.address.endpoint) as cable:
        worker = await deployment.start_worker(AWS_ENDPOINT_URL_S3=f"http://{cable.address}")
        cable.cut()
        await deployment.publish(*({"job_id": f"job-{n}", "input": {"uri": uri}} for n in range(3)))
        await until(lambda: bool(worker.events("outage_began")), "it waits")
        assert await deployment.health(worker, "/livez") == (
            200,
            {"status": "ok", "checks": {"engine_supervised": True}},
        )
        cable.mend()
        events = await deployment.outcomes(3)

    assert {data_of(event).outcome for event in events} == {Kind.COMPLETED}
    assert await deployment.read(deployment.dead_letters, 0) == []


async def test_a_frozen_broker_means_waiting_and_each_job_once(
    own_broker: Broker, deployment_apart: Deployment
) -> None:
    deployment = deployment_apart
    jobs = [f"job-{number}" for number in range(FROZEN_JOBS)]
    worker = await deployment.start_worker()
    uri = await deployment.upload(speech.ENGLISH.path)
    await deployment.publish(*({"job_id": job, "input": {"uri": uri}} for job in jobs))
    await until(lambda: bool(worker.events("job_settled")), "a first job")
    assert own_broker.holder is not None
    with frozen(descendants_of(own_broker.holder)):
        await asyncio.sleep(FREEZE_S)  # how long the fault lasts; nothing is awaited
        assert len(worker.events("job_settled")) < FROZEN_JOBS
    await deployment.outcomes(FROZEN_JOBS)
    await until(lambda: len(worker.events("job_settled")) == FROZEN_JOBS, "a log line for each")
    worker.signal(signal.SIGTERM)

    assert await worker.ended() == 0
    records = await deployment.read(deployment.results, FROZEN_JOBS)
    ids = [parse_event(record.headers, record.value).id for record in records]
    assert sorted(ids) == sorted(f"-/{job}/completed/0" for job in jobs)
    assert await _transcriptions_begun(deployment) == Counter(jobs)
    assert await deployment.read(deployment.dead_letters, 0) == []
    assert sum((await deployment.committed()).values()) == FROZEN_JOBS


@contextmanager
def frozen(processes: set[int]) -> Iterator[None]:
    """Stops processes, and lets them go on at the end."""
    assert processes
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


async def _transcriptions_begun(deployment: Deployment) -> Counter[str]:
    """How often each job was begun, by the events that tell so."""
    records = await deployment.read(f"{deployment.prefix}.progress", 0)
    events = [parse_event(record.headers, record.value) for record in records]
    return Counter(str(event.data.job_id) for event in events if event.type == Kind.STARTED.type)


async def _is_whole(deployment: Deployment, job_id: str) -> bool:
    """Whether every file of the set is the one that follows from the transcript there."""
    files = await deployment.files(job_id)
    derived = derive_result_set(files["transcript.json"])
    manifest = Manifest.model_validate_json(files["manifest.json"])
    hashes = {file.key.rpartition("/")[2]: file.sha256 for file in manifest.files}
    return files["manifest.json"] == derived.manifest.body and hashes == {
        name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != "manifest.json"
    }
