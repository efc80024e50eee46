"""A deployment whose workers are containers: started where they belong, seen from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp

from contracts.events import parse_event
from tests import media
from tests.e2e.fleet import Deployment
from tests.e2e.image.contained import Run, RunContainer

FAKE: Final = {"STENO_ENGINE__KIND": "fake", "STENO_ENGINE__SLOTS": "1"}
"""An engine without a model, where only delivery matters."""
_PASSED_ON: Final = ("STENO_", "AWS_")
_START_S: Final = 90.0
_HEALTH_PORT: Final = 8080
_SEEN_FROM_OUTSIDE: Final = {"STENO_HEALTH__HOST": "0.0.0.0"}  # noqa: S104  # of a container
_PORTS: Final = {f"{_HEALTH_PORT}/tcp": None}
_CLIP_SAMPLES: Final = 30 * 16_000


@dataclass(frozen=True)
class Site:
    """One test's deployment, and the way to start workers of it."""

    deployment: Deployment
    inside: Mapping[str, str]
    """Settings that lead to broker and store from within the network."""
    run: Run
    started: list[RunContainer] = field(default_factory=list)

    def launch(self, *, changes: Mapping[str, str] | None = None, **options: Any) -> RunContainer:
        """Starts a worker and waits for nothing.

        Args:
            changes: settings beside those of the deployment.
            options: as docker's client takes them.
        """
        known = self.deployment.environment({"STENO_WORKER__ID": f"worker-{len(self.started) + 1}"})
        passed_on = {name: text for name, text in known.items() if name.startswith(_PASSED_ON)}
        del passed_on["STENO_HEALTH__PORT"]  # the usual one, which the health check of the image asks at
        container = self.run(
            environment={**passed_on, **self.inside, **_SEEN_FROM_OUTSIDE, **(changes or {})},
            **{"ports": _PORTS, **options},
        )
        self.started.append(container)
        return container

    async def start(self, *, changes: Mapping[str, str] | None = None, **options: Any) -> RunContainer:
        """Starts a worker and waits until it is ready."""
        worker = self.launch(changes=changes, **options)

        async def is_ready() -> bool:
            assert worker.state["Running"], f"it ended\n{worker.tail}"
            return bool(worker.events("worker_started")) and (await self.ask(worker, "/readyz"))[0] == HTTPStatus.OK

        await worker.until(is_ready, "readiness", within_s=_START_S)
        return worker

    async def ask(self, worker: RunContainer, path: str) -> tuple[int, dict[str, Any]]:
        """Status and document of a health endpoint."""
        host = self.deployment.bootstrap.rpartition(":")[0]  # where the engine publishes ports, seen from here
        url = f"http://{host}:{worker.port(_HEALTH_PORT)}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.json()

    async def in_the_engine(self, worker: RunContainer, *, waiting: int = 0) -> None:
        """Waits until one job is in the engine of a worker, and so many wait for it."""
        wanted = {"deliveries": 1 + waiting, "not_begun": waiting, "parked": 0}

        async def is_so() -> bool:
            return bool((await self.ask(worker, "/readyz"))[1]["in_flight"] == wanted)

        await worker.until(is_so, "a job in the engine")

    async def publish(self, *job_ids: str, fake: str = "") -> None:
        """Jobs of the first partition, so that they come in order, with switches of the fake engine."""
        uri = await self.deployment.upload(await self.clip())
        options = {"initial_prompt": fake} if fake else {}
        requests = ({"job_id": job_id, "input": {"uri": uri}, "options": options} for job_id in job_ids)
        await self.deployment.publish(*requests, partition=0)

    async def clip(self) -> Path:
        """Half a minute of sound."""
        path = self.deployment.folder / "clip.wav"
        await asyncio.to_thread(path.write_bytes, media.make_wav(_CLIP_SAMPLES))
        return path

    async def published(self) -> list[str]:
        """Ids of all outcome events so far, repeated ones too."""
        records = await self.deployment.read(self.deployment.results, 0)
        return sorted(parse_event(record.headers, record.value).id for record in records)
