"""What the health endpoints answer."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
import pytest

from consumer.adapters.health import HealthServer
from consumer.core.failures import ExitCode, FatalError


async def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.json()


async def test_readiness_needs_every_check_and_tells_facts_beside() -> None:
    is_loaded = False
    facts = {"engine": {"loading": "base"}}
    ready = {"model_loaded": lambda: is_loaded, "accepting": lambda: True}
    async with HealthServer("127.0.0.1", 0, live={}, ready=ready, facts=lambda: facts) as server:
        status, document = await ask(server.port, "/readyz")
        assert (status, document["status"]) == (503, "unavailable")
        assert document["checks"] == {"model_loaded": False, "accepting": True}
        assert document["engine"] == {"loading": "base"}
        is_loaded = True
        assert (await ask(server.port, "/readyz"))[0] == 200
        assert await ask(server.port, "/livez") == (200, {"status": "ok", "checks": {}})


async def test_a_port_that_is_taken_blames_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        message = await refusal("127.0.0.1", taken.getsockname()[1])
    assert "STENO_HEALTH__PORT" in message
    assert "STENO_HEALTH__HOST" not in message


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_of_another_machine_blames_the_host(host: str) -> None:
    message = await refusal(host, 0)
    assert "STENO_HEALTH__HOST" in message
    assert "STENO_HEALTH__PORT" not in message


async def refusal(host: str, port: int) -> str:
    with pytest.raises(FatalError) as caught:
        async with HealthServer(host, port, live={}, ready={}):
            pytest.fail("it must not listen")
    assert caught.value.exit_code is ExitCode.BAD_SETTINGS
    return caught.value.message
