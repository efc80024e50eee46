"""Two handlers take one job at the same moment, on the store at hand: one transcript, one manifest, one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aioboto3
import pytest

from consumer.adapters.s3_store import S3Store
from consumer.core.admission import AdmissionRules
from consumer.core.jobs import Job
from consumer.core.locations import manifest_uri, transcript_uri
from consumer.core.resultset import derive_result_set
from consumer.handler import Handled, Handler, HandlerConfig, Run
from consumer.scratch import Scratch, ScratchConfig
from consumer.stopwatch import Stopwatch
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.make import NOW, make_a_job
from tests.stack.store import S3Address

ROUNDS = 10


class Racer:
    """A worker's handler with a store client of its own; its engine waits at the start line."""

    def __init__(self, store: S3Store, name: str, bucket: str, scratch: Path) -> None:
        self.engine = FakeEngine()
        self.engine.heard.extend([b""] * len(name))  # so that each says something else
        output = f"s3://{bucket}/out/"
        rules = AdmissionRules((), (output,), f"{output}.steno/", max_bytes=1000)
        config = HandlerConfig(worker=name, rules=rules)
        folder = Scratch(ScratchConfig(scratch))
        self._handler = Handler(store, FakeDecoder(), self.engine, folder, config=config, now=lambda: NOW)

    async def run(self, job: Job) -> Handled:
        run = Run(job, lambda *_, **__: None, Stopwatch())
        return await self._handler.run(run, await self._handler.look(job))


@pytest.fixture
async def stores(s3_address: S3Address) -> AsyncIterator[list[S3Store]]:
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(S3Store(session, endpoint_url=s3_address.endpoint)) for _ in range(2)]


async def test_two_workers_that_race_on_one_job_end_with_the_same_result(
    stores: list[S3Store], bucket: str, tmp_path: Path
) -> None:
    await stores[0].write(f"s3://{bucket}/call.mp3", b"hello", "audio/mpeg")
    racers = [Racer(stores[0], "a", bucket, tmp_path), Racer(stores[1], "bb", bucket, tmp_path)]
    for number in range(ROUNDS):
        job = make_a_job(
            job_id=f"race-{number}",
            input={"uri": f"s3://{bucket}/call.mp3"},
            output={"uri": f"s3://{bucket}/out/"},
        )
        one, other = await _race(racers, job)

        transcript = await stores[0].read(transcript_uri(job.output_uri, job.job_id))
        manifest = await stores[0].read(manifest_uri(job.output_uri, job.job_id))
        assert transcript is not None
        assert manifest is not None
        derived = derive_result_set(transcript.body)
        assert one.outcome == other.outcome == derived.outcome
        assert manifest.body == derived.manifest.body


async def _race(racers: list[Racer], job: Job) -> list[Handled]:
    """Lets all of them hear the job before the first may write."""
    for racer in racers:
        racer.engine.gate.clear()
        racer.engine.entered.clear()
    running = [asyncio.create_task(racer.run(job)) for racer in racers]
    await asyncio.gather(*(racer.engine.entered.wait() for racer in racers))
    for racer in racers:
        racer.engine.gate.set()
    return await asyncio.gather(*running)
