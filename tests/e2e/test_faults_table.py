"""A sample of the table of faults, so that the command behind it works on the day it is wanted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.faults import of_brokers, of_stores
from tests.bench.faults.catalogue import Fault
from tests.bench.faults.rows import Stage, play
from tests.bench.faults.scene import Scene
from tests.bench.faults.services import Services, proxied_kafka
from tests.proxy.kafka import Call
from tests.proxy.relay import Step
from tests.stack.service import MissingServiceError
from tests.stack.store import S3Address, Store

JOBS = 8
"""None of them long."""


@pytest.fixture(scope="module")
def stage(s3_address: S3Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A broker with a way in through a proxy, and the tests' store."""
    try:
        with proxied_kafka() as (kafka, proxied, proxy):
            services = Services(kafka, proxied, proxy, Store(s3_address, "the tests' store"))
            yield Stage(services, JOBS, tmp_path_factory.mktemp("faults"))
    except MissingServiceError as exc:
        pytest.skip(str(exc))


async def cut_everywhere(scene: Scene) -> None:
    """The answers of some produces and some PUTs are lost."""
    await scene.fleet(1, **of_brokers.by_proxy(scene), **of_stores.by_proxy(scene))
    of_brokers.arm(scene, Call.PRODUCE, Step.AFTER)
    of_stores.arm(scene, "PUT", Step.AFTER)
    await scene.send()
    await scene.done()


async def test_a_row_of_the_table_holds(stage: Stage) -> None:
    told: list[tuple[int, int]] = []
    fault = Fault("cut-everywhere", "connections cut", cut_everywhere)
    row = await play(fault, stage, lambda ended, sent: told.append((ended, sent)))
    assert row.did_not_hold == []
    assert (row.sent, row.completed, row.dead_letters) == (JOBS, JOBS, 0)
    assert row.strikes >= 2
    assert told[-1][1] == JOBS
