"""Conditional writes under a race, on the store at hand and on one that minds no conditions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.bench.races import ODD_KEYS, Race, examine, race_to_create, race_to_replace, writers
from tests.integration.odd_stores import serving
from tests.stack.store import S3Address


@pytest.fixture
async def careless() -> AsyncIterator[list[Any]]:
    """Clients of a store that takes every write."""
    held = {}

    async def handler(request: web.Request) -> web.Response:
        if request.method == "PUT":
            held[request.path] = await request.read()
        return web.Response(body=held[request.path] if request.method == "GET" else b"", headers={"ETag": '"always"'})

    async with serving(handler) as url, writers(S3Address(url, "key", "secret", "us-east-1"), 4) as clients:
        yield clients


async def test_every_race_on_a_fit_store_has_one_winner_whose_bytes_stay(s3_address: S3Address) -> None:
    row = await examine(s3_address, "the store", races=3, writers_at_once=6)
    assert (row.create_races_won_by_one, row.replace_races_won_by_one, row.probe) == (3, 3, "fit")
    assert sum(map(len, row.keys.values())) == len(ODD_KEYS)


async def test_a_store_that_minds_no_condition_lets_all_win(careless: list[Any]) -> None:
    for run in (race_to_create, race_to_replace):
        assert await run(careless, "bucket", "key") == Race(winners=4, is_kept=False)
