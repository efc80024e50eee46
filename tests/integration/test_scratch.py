"""Room on disk for media that comes from a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from consumer.adapters.s3_store import S3Store, StoreConfig
from consumer.core.admission import AdmissionRules
from consumer.core.failures import ExitCode, FatalError
from consumer.core.jobs import Job
from consumer.handler import Handler, HandlerConfig, Run, Standing
from consumer.ports import Recording
from consumer.scratch import Scratch, ScratchConfig, require_scratch
from consumer.stopwatch import Stopwatch
from contracts.requests import Channels, Input
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.make import NOW, make_a_job

SIZE_BYTES = 3 * 1024 * 1024


class Observer(FakeDecoder):
    """Sees what is held each time that a file has come."""

    def __init__(self, scratch: Scratch) -> None:
        super().__init__()
        self.held: list[int] = []
        self._scratch = scratch

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:
        self.held.append(self._scratch.held_bytes)
        return await super().decode(media, channels)


@pytest.mark.usefixtures("aws_environment")
async def test_jobs_that_were_taken_together_hold_no_more_than_the_limit(bucket: str, tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, max_bytes=2 * SIZE_BYTES - 1))
    observer = Observer(scratch)
    output = f"s3://{bucket}/results/"
    rules = AdmissionRules((), (output,), f"{output}.steno/", max_bytes=2 * SIZE_BYTES)
    uri = f"s3://{bucket}/clip"

    def make_job(number: int) -> Job:
        job = make_a_job(job_id=f"job-{number}")
        source = Input(uri=uri, size_bytes=SIZE_BYTES)
        return replace(job, request=job.request.model_copy(update={"input": source}), output_uri=output)

    async with S3Store(config=StoreConfig()) as store:
        await store.write(uri, bytes(SIZE_BYTES), "audio/wav")
        config = HandlerConfig(worker="gpu-3", rules=rules)
        handler = Handler(store, observer, FakeEngine(), scratch, config=config, now=lambda: NOW)
        await asyncio.gather(
            *(
                handler.run(Run(make_job(number), lambda *_, **__: None, Stopwatch()), Standing(None, None))
                for number in range(6)
            )
        )

    assert len(observer.held) == 6
    assert max(observer.held) <= 2 * SIZE_BYTES
    assert scratch.held_bytes == 0


def test_a_folder_that_takes_files_is_fit(tmp_path: Path) -> None:
    assert require_scratch(ScratchConfig(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_less_free_than_jobs_wait_for_is_told_with_a_way_out(tmp_path: Path) -> None:
    short = require_scratch(ScratchConfig(tmp_path, min_free_bytes=2**60))
    assert short
    assert f"bytes are free in {tmp_path}" in short
    assert "STENO_SCRATCH__MIN_FREE_BYTES" in short


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_is_none_stops_the_start(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        FatalError, match=rf"{name} \(STENO_SCRATCH__DIR\): .*; there is no such folder: make it"
    ) as got:
        require_scratch(ScratchConfig(tmp_path / name))
    assert got.value.exit_code is ExitCode.SCRATCH_UNUSABLE
