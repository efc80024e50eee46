"""Small samples of what is run by hand on hundreds and thousands of jobs: fleets that change, outages, endurance."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bench import endurance, fleet, outage
from tests.bench.stub_store import stub_store
from tests.e2e.conftest import Reference, deployed
from tests.e2e.fleet import Deployment
from tests.stack.broker import Broker

JOBS = 24
FAKE_JOBS = 300
AWAY_S = 10.0


async def test_a_worker_joins_and_one_leaves_and_every_job_has_its_text(
    deployment: Deployment, reference: Reference
) -> None:
    tally = await fleet.run(deployment, JOBS, reference)
    assert (tally.manifests, tally.outcomes, tally.exit_code) == (JOBS, JOBS, 0)
    assert (tally.not_completed, tally.other_texts) == ([], [])
    assert ["worker-1", "worker-2", "worker-3"] in [seen.members for seen in tally.memberships]
    assert tally.memberships[-1].members == ["worker-2", "worker-3"]
    assert tally.transcriptions < 2 * JOBS


async def test_a_broker_that_dies_and_comes_back_loses_and_fails_nothing(
    own_broker: Broker, deployment_apart: Deployment
) -> None:
    account = await outage.run(deployment_apart, own_broker, JOBS // 2, AWAY_S)
    assert (account.outcomes, account.not_completed, account.dead_letters) == (JOBS // 2, 0, 0)
    assert account.exit_code == 0
    assert account.always_alive
    assert account.not_ready_s is not None
    assert account.ready_s is not None
    assert account.not_ready_s < account.back_s <= account.ready_s
    # A worker cannot know whether an outcome that was not confirmed was written, nor what was not committed.
    assert account.repeated_outcomes <= account.jobs - account.settled_before


@pytest.fixture
async def deployment_on_a_stub(kafka: str, unique: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A store that is no burden, and an engine that is none."""
    settings = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "2"}
    with stub_store() as store:
        async with deployed(Deployment(kafka, store.address, unique, tmp_path, settings)) as made:
            yield made


async def test_hundreds_of_jobs_leave_no_file_no_process_and_little_memory(deployment_on_a_stub: Deployment) -> None:
    worker = await deployment_on_a_stub.start_worker()
    first, *_, last = await endurance.endure(deployment_on_a_stub, worker, FAKE_JOBS, looks=2)
    worker.signal(signal.SIGTERM)

    assert await worker.ended() == 0
    for kind, count in first.descriptors.items():
        assert last.descriptors[kind] - count < FAKE_JOBS / 10, kind  # connections come and go
    for kind, rss_mib in first.rss_mib.items():
        assert last.rss_mib[kind] - rss_mib < FAKE_JOBS * 0.1, kind
    assert last.children <= first.children + 3
