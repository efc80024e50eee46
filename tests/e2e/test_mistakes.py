"""Every mistake at a worker's start ends it soon: a line for each fault, a way out, and an exit code of its own."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.e2e.fleet import Deployment
from tests.e2e.mistakes import MISTAKES, Mistake
from tests.integration.odd_stores import serving

_AT_ONCE: Final = 2 * (os.cpu_count() or 1)
_WITHIN_S: Final = 60.0
"""Nothing waits for longer than a store's or broker's patience at the start; on an idle machine it is seconds."""


async def refuse(request: web.Request) -> web.Response:
    """As a store that refuses the credentials, with the code that the path begins with."""
    code = request.path.split("/")[1]
    text = f"<Error><Code>{code}</Code><Message>No.</Message></Error>"
    return web.Response(status=403, text=text, content_type="application/xml")


@pytest.fixture
async def places(deployment: Deployment) -> AsyncIterator[Mapping[str, str]]:
    """What a mistake's settings are filled in with."""
    async with serving(refuse) as refusing:
        with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))  # held, so that nobody comes to listen there
            yield {
                "prefix": deployment.prefix,
                "nobody": f"127.0.0.1:{silent.getsockname()[1]}",
                "taken": str(taken.getsockname()[1]),
                "store": urlsplit(deployment.address.endpoint).netloc,
                "refusing": urlsplit(refusing).netloc,
            }


async def test_every_mistake_is_told_with_a_way_out_and_its_code(
    deployment: Deployment, places: Mapping[str, str]
) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)
    told = await asyncio.gather(*(_end_of(mistake, deployment, places, turns) for mistake in MISTAKES))
    wrong = {
        mistake.name: (code, lines)
        for mistake, (code, lines) in zip(MISTAKES, told, strict=True)
        if code != mistake.code or not _fits(mistake, lines)
    }
    assert not wrong


async def _end_of(
    mistake: Mistake, deployment: Deployment, places: Mapping[str, str], turns: asyncio.Semaphore
) -> tuple[int, list[str]]:
    """Exit code, and what was said beside log lines."""
    folder = deployment.folder / re.sub(r"\W+", "-", mistake.name)
    folder.mkdir()
    if mistake.dotenv:
        (folder / ".env").write_text(mistake.dotenv, "utf-8")
    alone = Deployment(deployment.bootstrap, deployment.address, deployment.prefix, folder)
    async with turns:
        worker = alone.launch_worker(**{name: value.format(**places) for name, value in mistake.settings.items()})
        try:
            code = await worker.ended(within_s=_WITHIN_S)
        finally:
            await alone.close()
    return code, [line for line in _said(worker.log_path) if not line.startswith("{")]


def _said(log: Path) -> list[str]:
    return log.read_text("utf-8").splitlines()


def _fits(mistake: Mistake, lines: list[str]) -> bool:
    return len(lines) == len(mistake.says) and all(
        re.match(f"steno: {pattern}", line) for pattern, line in zip(mistake.says, lines, strict=True)
    )
