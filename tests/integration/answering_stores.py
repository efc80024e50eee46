"""Stores of our own that answer as a test wants, and how the doctor looks at them."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from consumer.adapters.s3_store import Limits
from consumer.doctor.examination import examine
from consumer.doctor.findings import Finding
from consumer.doctor.store import StoreExamination
from consumer.settings import S3Settings, Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Look = Callable[..., Awaitable[dict[str, Finding]]]
LIMITS: Final = Limits(connect_s=2, silence_s=2, call_s=5, attempts=1)
OUTPUT: Final = "output s3://bucket/"
INPUT: Final = "input s3://media/"
SETTINGS: Final = Settings(s3=S3Settings(results="s3://bucket/", allowed_inputs=("s3://media/",)))


async def looked_at(settings: Settings) -> dict[str, Finding]:
    """All findings, by the name of their check."""
    async with AsyncExitStack() as stack:
        checks = list(StoreExamination(settings, stack, LIMITS).checks())
        return {check.name: finding async for check, finding in examine(checks)}


def looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """How to look at the store whose address and credentials are given, with no others about."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def look_at(endpoint: str, **variables: str) -> dict[str, Finding]:
        usual = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in (usual | {"AWS_ENDPOINT_URL_S3": endpoint} | variables).items():
            monkeypatch.setenv(name, value)
        return await looked_at(SETTINGS)

    return look_at


@asynccontextmanager
async def store_on(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that answers everything with one handler."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def answer(status: int, code: str = "", **headers: str) -> web.Response:
    body = f"<Error><Code>{code}</Code><Message>so it is</Message></Error>" if code else ""
    return web.Response(status=status, text=body, content_type="application/xml", headers=headers)


def saying(status: int, code: str, **headers: str) -> Handler:
    """A store that says one thing, whatever it is asked."""

    async def handler(_: web.Request) -> web.Response:
        return answer(status, code, **headers)

    return handler


def keeping(conditions: bool, writable: Callable[[str], bool] = lambda _: True) -> Handler:  # noqa: FBT001 - as said
    """A store in memory that keeps conditions, or ignores them."""
    objects: dict[str, bytes] = {}

    async def handler(request: web.Request) -> web.Response:
        body, key = await request.read(), request.path
        held = objects.get(key)
        if request.method == "GET":
            return answer(404, "NoSuchKey") if held is None else respond(held, held)
        if not writable(key):
            return answer(403, "AccessDenied")
        if conditions and not holds(request.headers, held):
            return answer(412, "PreconditionFailed")
        objects[key] = body
        return respond(body, b"")

    return handler


def respond(of: bytes, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"ETag": etag_of(of)})


def holds(headers: Mapping[str, str], held: bytes | None) -> bool:
    if "If-None-Match" in headers:
        return held is None
    return "If-Match" not in headers or (held is not None and headers["If-Match"] == etag_of(held))


def etag_of(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
