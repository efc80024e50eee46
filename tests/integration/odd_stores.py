"""A store that misbehaves, played by a small server of our own."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aioboto3
import pytest
from aiohttp import web

from consumer.adapters.s3_store import Limits, OwnPlaces, S3Store, StoreConfig
from consumer.core.failures import JobError
from contracts.requests import Input

URI = "s3://bucket/call.mp3"
BODY = os.urandom(3 * 1024 * 1024 + 7)
ETAG = f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'
LIMITS = Limits(connect_s=2, silence_s=2, call_s=20, attempts=2)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def store_on(handler: Handler, limits: Limits = LIMITS, own: OwnPlaces | None = None) -> AsyncIterator[S3Store]:
    """The adapter, talking to a server that answers everything with one handler."""
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    session = aioboto3.Session("key", "secret", region_name="us-east-1")
    config = StoreConfig(limits=limits, own=own or OwnPlaces())
    try:
        async with S3Store(session, endpoint_url=f"http://{host}:{port}", config=config) as store:
            yield store
    finally:
        await runner.cleanup()


def refusing(status: int, code: str) -> Handler:
    """A store that says the same to everything."""

    async def handler(_: web.Request) -> web.Response:
        body = f"<Error><Code>{code}</Code><Message>so it is</Message></Error>"
        return web.Response(status=status, text=body, content_type="application/xml")

    return handler


async def failure_of(store: S3Store, max_bytes: int = len(BODY)) -> JobError:
    with pytest.raises(JobError) as caught:
        await store.fetch(Input(uri=URI), io.BytesIO(), max_bytes=max_bytes)
    return caught.value
