"""Five hundred jobs through worker and engine, each twentieth of which ends the engine process."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, cast

from consumer.engine.supervisor import ProcessEngine
from consumer.ports import Recording
from contracts.events import Kind
from contracts.requests import Channels
from tests.engines import make_fake_config, make_noise
from tests.worker_bench import Bench

JOBS = 500
EVERY = 20


class NoiseDecoder:
    """Takes any media for a tenth of a second."""

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:  # noqa: ARG002 - a double
        return Recording((make_noise(0.1),))


async def test_every_job_is_settled_and_only_those_that_crash_are_dead_letters(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.decoder = cast("Any", NoiseDecoder())
    for number in range(JOBS):
        bench.request(f"job-{number}", options={"hotwords": "fake:crash"} if number % EVERY == EVERY - 1 else {})
    async with ProcessEngine(make_fake_config(slots=1)) as engine:
        bench.engine = cast("Any", engine)
        async with bench.running():
            await bench.settled(JOBS)
    crashed = {f"job-{number}" for number in range(EVERY - 1, JOBS, EVERY)}
    assert {job for job, end in bench.ends.items() if end is Kind.FAILED} == crashed
    assert len(bench.ends) == JOBS
    codes = {dict(letter.headers)["x-steno-error-code"] for letter in bench.broker.records("dlt")}
    assert codes == {b"ENGINE_CRASHED"}
    assert len(bench.broker.records("dlt")) == len(crashed)
