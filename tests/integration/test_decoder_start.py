"""How the decoder starts, and what is said when it does not."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import fields

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.media import forks
from consumer.media.decoder import ProcessDecoder
from consumer.media.sandbox import Protections
from tests.decoders import LIMITS
from tests.unlucky import killed_at_start

FEW_DESCRIPTORS = """
import asyncio, io, resource, sys, tempfile
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from tests.media import make_wav

async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with tempfile.TemporaryFile() as file:
        file.write(make_wav(16_000))
        async with ProcessDecoder(DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=1 << 29)) as decoder:
            with await decoder.decode(file) as recording:
                print(recording.duration_s)

asyncio.run(main())
"""


async def test_one_death_at_the_start_is_made_good() -> None:
    with killed_at_start(forks, times=1) as children:
        async with ProcessDecoder(LIMITS):
            assert len(children) == 2


async def test_who_dies_twice_at_the_start_says_by_what() -> None:
    with killed_at_start(forks, times=2), pytest.raises(FatalError, match=r"twice: .* ended by SIGKILL\.") as caught:
        await ProcessDecoder(LIMITS).__aenter__()
    assert caught.value.exit_code is ExitCode.INTERNAL


async def test_a_decoder_that_cannot_start_says_why_and_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_MODULE", "consumer.media.nothing")
    with pytest.raises(FatalError, match=r"exit code 1: .*No module named .*nothing.* pip install 'steno\[worker\]'"):
        await ProcessDecoder(LIMITS).__aenter__()


async def test_few_descriptors_are_enough() -> None:
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", FEW_DESCRIPTORS, stdout=asyncio.subprocess.PIPE)
    assert worker.stdout
    said = await asyncio.wait_for(worker.stdout.read(), 60)
    await worker.wait()
    assert said.split() == [b"1.0"]


async def test_an_open_decoder_knows_which_protections_hold() -> None:
    async with ProcessDecoder(LIMITS) as decoder:
        assert set(decoder.protections) == {field.name for field in fields(Protections)}
        assert decoder.protections["file_size_limit"]
