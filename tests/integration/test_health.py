"""What the health endpoints answer."""

from __future__ import annotations

from typing import Any

import aiohttp

from consumer.adapters.health import HealthServer


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
