"""Stores that answer as a test wants, played by a small server of our own."""

from __future__ import annotations

import hashlib
import io
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aioboto3
import pytest
from aiohttp import web

from consumer.adapters.s3_store import Limits, OwnPlaces, S3Store, StoreConfig
from consumer.core.failures import JobError
from contracts.requests import Input

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def etag_of(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


URI: Final = "s3://bucket/call.mp3"
BODY: Final = os.urandom(3 * 1024 * 1024 + 7)
ETAG: Final = etag_of(BODY)
LIMITS: Final = Limits(connect_s=2, silence_s=2, call_s=20, attempts=2)


@asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that answers everything with one handler."""
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def store_on(handler: Handler, limits: Limits = LIMITS, own: OwnPlaces | None = None) -> AsyncIterator[S3Store]:
    """The adapter, talking to such a server."""
    session = aioboto3.Session("key", "secret", region_name="us-east-1")
    config = StoreConfig(limits=limits, own=own or OwnPlaces())
    async with serving(handler) as url, S3Store(session, endpoint_url=url, config=config) as store:
        yield store


async def failure_of(store: S3Store, max_bytes: int = len(BODY)) -> JobError:
    """What is made of the answer to a fetch."""
    with pytest.raises(JobError) as caught:
        await store.fetch(Input(uri=URI), io.BytesIO(), max_bytes=max_bytes)
    return caught.value


def refusing(status: int, code: str, **headers: str) -> Handler:
    """A store that says the same to everything."""

    async def handler(_: web.Request) -> web.Response:
        return _refusal(status, code, **headers)

    return handler


def keeping(*, conditions: bool, writable: Callable[[str], bool] = lambda _: True) -> Handler:
    """A store in memory that keeps conditions, or ignores them."""
    objects: dict[str, bytes] = {}

    async def handler(request: web.Request) -> web.Response:
        body, key = await request.read(), request.path
        held = objects.get(key)
        if request.method == "GET":
            return _refusal(404, "NoSuchKey") if held is None else _object(held, held)
        if not writable(key):
            return _refusal(403, "AccessDenied")
        if conditions and not _hold(request.headers, held):
            return _refusal(412, "PreconditionFailed")
        objects[key] = body
        return _object(body, b"")

    return handler


def _refusal(status: int, code: str, **headers: str) -> web.Response:
    body = f"<Error><Code>{code}</Code><Message>so it is</Message></Error>"
    return web.Response(status=status, text=body, content_type="application/xml", headers=headers)


def _object(of: bytes, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"ETag": etag_of(of)})


def _hold(conditions: Mapping[str, str], held: bytes | None) -> bool:
    if "If-None-Match" in conditions:
        return held is None
    return "If-Match" not in conditions or (held is not None and conditions["If-Match"] == etag_of(held))
