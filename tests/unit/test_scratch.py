"""Media in flight: private files, their bytes, and waiting for room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.core.failures import OutageError
from consumer.scratch import Scratch, ScratchConfig
from contracts.errors import ErrorCode
from tests.waiting import until


async def is_waiting(scratch: Scratch, meanwhile: Callable[[], object] = lambda: None) -> bool:
    """Whether somebody who wants room still waits after something else has happened."""
    waiting = asyncio.create_task(scratch.wait_for_room())
    for step in (lambda: None, meanwhile):
        step()
        for _ in range(3):
            await asyncio.sleep(0)
    is_done = waiting.done()
    waiting.cancel()
    return not is_done


async def test_bytes_are_those_of_the_files_that_are_open(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path))
    with scratch.file() as one, scratch.file(expected_bytes=100) as two:
        one.write(b"x" * 10)
        one.flush()
        two.write(b"y" * 50)
        two.flush()
        assert scratch.held_bytes == 110
        two.write(b"y" * 100)
        two.flush()
        assert scratch.held_bytes == 160
    assert scratch.held_bytes == 0


def test_files_have_no_name(tmp_path: Path) -> None:
    with Scratch(ScratchConfig(tmp_path)).file() as media:
        media.write(b"x")
        assert list(tmp_path.iterdir()) == []


async def test_without_limits_nobody_waits(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path), free_bytes=lambda _: 0)
    with scratch.file(expected_bytes=2**40):
        assert not await is_waiting(scratch)


async def test_more_bytes_than_the_limit_mean_waiting_until_a_file_is_closed(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, max_bytes=100))
    with scratch.file(expected_bytes=100) as media:
        assert not await is_waiting(scratch)
        media.write(b"x" * 101)
        media.flush()
        assert await is_waiting(scratch)
    first, second = scratch.file(90), scratch.file(90)
    first.__enter__()
    second.__enter__()
    assert not await is_waiting(scratch, lambda: first.__exit__(None, None, None))
    second.__exit__(None, None, None)


async def test_a_file_that_is_closed_too_small_wakes_nobody_for_good(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, max_bytes=100))
    large, small = scratch.file(200), scratch.file(1)
    large.__enter__()
    small.__enter__()
    assert await is_waiting(scratch, lambda: small.__exit__(None, None, None))
    large.__exit__(None, None, None)


async def test_a_disk_that_is_nearly_full_means_waiting_while_files_are_open(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, min_free_bytes=100), free_bytes=lambda _: 99)
    with scratch.file():
        assert await is_waiting(scratch)
    assert not await is_waiting(scratch)


async def test_the_disk_is_asked_how_much_it_holds(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, min_free_bytes=2**60))
    with scratch.file():
        assert await is_waiting(scratch)


async def test_a_file_that_failed_is_not_counted_any_more(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, max_bytes=1))
    with pytest.raises(ZeroDivisionError), scratch.file(expected_bytes=10):
        raise ZeroDivisionError
    assert (scratch.held_bytes, await is_waiting(scratch)) == (0, False)


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_a_file_that_failed_wakes_those_who_wait_already(tmp_path: Path, error: type[BaseException]) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, max_bytes=1))
    failing = scratch.file(expected_bytes=10)
    failing.__enter__()
    assert not await is_waiting(scratch, lambda: failing.__exit__(error, error(), None))


async def test_a_disk_that_others_clear_is_noticed_although_no_file_of_ours_is_closed(tmp_path: Path) -> None:
    free = [0]
    config = ScratchConfig(tmp_path, min_free_bytes=100, look_every_s=0.001)
    scratch = Scratch(config, free_bytes=lambda _: free[0])
    with scratch.file():
        waiting = asyncio.create_task(scratch.wait_for_room())
        await until(lambda: "0 bytes free" in (scratch.lack or ""), every_s=0)
        free[0] = 100
        await asyncio.wait_for(waiting, 10)
        assert scratch.lack is None


async def test_a_folder_that_is_gone_means_waiting_while_files_are_open(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path / "media", min_free_bytes=1))
    (tmp_path / "media").mkdir()
    with scratch.file():
        (tmp_path / "media").rmdir()
        assert await is_waiting(scratch)
        assert "STENO_SCRATCH__DIR" in (scratch.lack or "")
    assert not await is_waiting(scratch)


async def test_what_is_lacking_is_told_only_while_somebody_would_wait(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path, max_bytes=100))
    assert scratch.lack is None
    with scratch.file(expected_bytes=101):
        assert scratch.lack == "101 bytes of media in flight (STENO_SCRATCH__MAX_BYTES)"
    assert scratch.lack is None


async def test_a_folder_that_takes_no_file_is_an_outage_that_names_the_setting(tmp_path: Path) -> None:
    scratch = Scratch(ScratchConfig(tmp_path / "absent"))
    with pytest.raises(OutageError, match="STENO_SCRATCH__DIR") as caught, scratch.file():
        pytest.fail("there is no file")
    assert caught.value.code is ErrorCode.SCRATCH_FULL
    assert not await is_waiting(scratch)
