"""Folders for media in flight and for models, as they may be found."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from consumer.doctor.examination import Check, examine
from consumer.doctor.findings import Finding, Level
from consumer.doctor.machine import machine_checks
from consumer.doctor.plan import WORKERS_ALONE
from consumer.doctor.weights import weights_checks
from consumer.doctor.worker import worker_checks
from consumer.settings import EngineKind, EngineSettings, MediaSettings, ModelSettings, ScratchSettings, Settings

UNWRITABLE = Path("/proc")
"""Not even root makes a file there."""


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    """The nearest to a full disk that a process can do to itself."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def look(checks: Sequence[Check], name: str) -> Finding:
    return {check.name: finding async for check, finding in examine(checks)}[name]


async def look_at_scratch(folder: Path, **media: int) -> Finding:
    settings = Settings(scratch=ScratchSettings(dir=folder), media=MediaSettings(**media))
    return await look(list(machine_checks(settings)), "scratch")


async def look_at_models(name: str, folder: Path, model: str, **others: bool) -> Finding:
    settings = Settings(engine=EngineSettings(model=model), models=ModelSettings(dir=folder, **others))
    return await look(list(weights_checks(settings)), name)


async def test_a_scratch_folder_that_takes_files_is_well_and_left_as_it_was(tmp_path: Path) -> None:
    assert (await look_at_scratch(tmp_path)).level is Level.OK
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a path in a coroutine may not look


@pytest.mark.parametrize("folder", ["absent", "file"])
async def test_a_scratch_folder_that_is_none_fails(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    found = await look_at_scratch(tmp_path / folder)
    assert found.level is Level.FAILED
    assert "STENO_SCRATCH__DIR" in found.advice


async def test_an_unwritable_scratch_folder_fails() -> None:
    assert (await look_at_scratch(UNWRITABLE)).level is Level.FAILED


async def test_a_disk_that_takes_no_bytes_fails(tmp_path: Path) -> None:
    with files_limited_to(1000):
        found = await look_at_scratch(tmp_path)
    assert found.level is Level.FAILED
    assert str(tmp_path) in found.text


async def test_a_disk_smaller_than_one_file_may_be_is_worth_a_word(tmp_path: Path) -> None:
    found = await look_at_scratch(tmp_path, max_bytes=2**50)
    assert found.level is Level.WARNING
    assert "STENO_MEDIA__MAX_BYTES" in found.text


async def test_garbage_in_the_cache_is_broken_and_says_how_to_put_it_right(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / "small" / name).write_bytes(b"garbage")
    found = await look_at_models("model small", tmp_path, "small")
    assert found.level is Level.FAILED
    assert "models pull small" in found.advice


async def test_a_cache_that_is_a_file_fails_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    found = await look_at_models("model folder", tmp_path / "cache", "small")
    assert found.level is Level.FAILED
    assert "STENO_MODELS__DIR" in found.advice


async def test_a_model_folder_that_has_to_be_made_yet_is_well(tmp_path: Path) -> None:
    assert (await look_at_models("model folder", tmp_path / "a" / "b", "small")).level is Level.OK
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a path in a coroutine may not look


async def test_a_read_only_model_folder_fails_only_where_models_are_to_come(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (mine / name).write_bytes(b"here")
    assert (await look_at_models("model folder", UNWRITABLE, "small")).level is Level.FAILED
    assert (await look_at_models("model folder", UNWRITABLE, str(mine))).level is Level.OK


async def test_a_model_that_nobody_knows_fails(tmp_path: Path) -> None:
    assert (await look_at_models("model smal", tmp_path, "smal")).level is Level.FAILED


def test_the_fake_engine_needs_no_models() -> None:
    assert list(weights_checks(Settings(engine=EngineSettings(kind=EngineKind.FAKE)))) == []


async def test_what_the_base_install_cannot_check_is_named() -> None:
    async with AsyncExitStack() as stack:
        names = [check.name for check in worker_checks(Settings(), stack)]
    kinds = dict.fromkeys(name.split(" s3://")[0].replace("model folder", "models").split(" base")[0] for name in names)
    assert sorted(each.removesuffix("s") for each in WORKERS_ALONE.split(", ")) == sorted(
        {kind.removesuffix("s") for kind in kinds}
    )
