"""A store that takes everything and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_BEGUN = "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>"
_DONE = '<CompleteMultipartUploadResult><ETag>"etag"</ETag></CompleteMultipartUploadResult>'


class Listener:
    """Takes every request and remembers it."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.port = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        async for _ in request.content.iter_any():
            pass
        if request.method == "POST":
            return web.Response(text=_BEGUN if "uploads" in request.query else _DONE, content_type="application/xml")
        return web.Response(headers={"ETag": '"etag"'})

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def asked(self, *headers: str) -> list[tuple[str | None, ...]]:
        """What each request said in these headers."""
        return [tuple(request.headers.get(name) for name in headers) for request in self.requests]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A listener on a port of its own."""
    listener = Listener()
    runner = web.ServerRunner(web.Server(listener))
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0).start()
    listener.port = runner.addresses[0][1]
    try:
        yield listener
    finally:
        await runner.cleanup()
