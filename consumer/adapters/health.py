"""The health endpoints: `/livez` says that the loop ticks, `/readyz` whether work is taken, `/metrics` how much."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from consumer.core.failures import ExitCode, FatalError

Checks = Mapping[str, Callable[[], bool]]
"""Named questions; each answers at once, from memory."""

Facts = Callable[[], Mapping[str, object]]
"""What else `/readyz` tells, as JSON values; nothing hangs on it."""

Page = Callable[[str], tuple[bytes, str]]
"""From an `Accept` header to a text and its type."""


class HealthServer:
    """A small HTTP server beside the worker.

    `/livez` never depends on broker or store: an outage must not restart a fleet. `/readyz` is 200 when every check
    holds and 503 otherwise, with the checks' answers as JSON.
    """

    def __init__(
        self, host: str, port: int, *, live: Checks, ready: Checks, facts: Facts = dict, metrics: Page | None = None
    ) -> None:
        """Takes what to bind (port 0: a free one), what to ask and what to tell."""
        self._host = host
        self._port = port
        self._checks: dict[str, tuple[Checks, Facts]] = {"/livez": (live, dict), "/readyz": (ready, facts)}
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that is bound."""
        return self._port

    async def __aenter__(self) -> Self:
        """Starts to listen.

        Raises:
            FatalError: the port is taken, or the address is none of this machine's.
        """
        app = web.Application()
        for path, (checks, facts) in self._checks.items():
            app.router.add_get(path, _handler(checks, facts))
        if self._metrics is not None:
            app.router.add_get("/metrics", _page_handler(self._metrics))
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as exc:
            await self._runner.cleanup()
            text = f"cannot listen on {self._host}:{self._port} ({_reason(exc)}); {_advice(exc)}"
            raise FatalError(ExitCode.BAD_SETTINGS, text) from exc
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()


def _reason(error: OSError) -> str:
    """In the system's words; asyncio's repeat the address, as a tuple."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)


def _advice(error: OSError) -> str:
    # Newer versions of asyncio give no number when none of a host's addresses can be bound.
    if isinstance(error, socket.gaierror) or error.errno in {errno.EADDRNOTAVAIL, None}:
        return "set STENO_HEALTH__HOST to an address of this machine"
    if error.errno == errno.EADDRINUSE:
        return "set STENO_HEALTH__PORT to a free port"
    return "set STENO_HEALTH__HOST and STENO_HEALTH__PORT to what this worker may listen on"


def _handler(checks: Checks, facts: Facts) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        answers = {name: check() for name, check in checks.items()}
        healthy = all(answers.values())
        document = {"status": "ok" if healthy else "unavailable", "checks": answers, **facts()}
        return web.json_response(document, status=200 if healthy else 503)

    return answer


def _page_handler(page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        body, content_type = page(request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    return answer
