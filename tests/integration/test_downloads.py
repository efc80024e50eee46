"""A download that breaks off, or whose object is overwritten meanwhile, on the store at hand."""

from __future__ import annotations

import pytest

from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode
from tests.bench.downloads import Run, cut_download, overwritten_download
from tests.stack.store import S3Address

MIB = 1024**2


async def test_a_download_that_is_cut_has_every_byte_once(s3_address: S3Address) -> None:
    run = await cut_download(s3_address, size_bytes=12 * MIB, cuts=3)
    assert run == Run(12 * MIB, cuts=3, is_equal=True, seconds=run.seconds)


@pytest.mark.parametrize("is_versioned", [False, True])
async def test_an_object_overwritten_while_it_is_fetched_is_a_changed_input(
    s3_address: S3Address,
    is_versioned: bool,  # noqa: FBT001 - a table
) -> None:
    with pytest.raises(PermanentError) as caught:
        await overwritten_download(s3_address, size_bytes=12 * MIB, is_versioned=is_versioned)
    assert caught.value.code is ErrorCode.INPUT_CHANGED


async def test_a_version_asked_for_by_its_id_may_be_overwritten_meanwhile(s3_address: S3Address) -> None:
    run = await overwritten_download(s3_address, size_bytes=12 * MIB, is_versioned=True, asks_for_version=True)
    assert (run.is_equal, run.cuts) == (True, 1)
