"""The least S3 server that steno can work on, in memory, for measuring: `python -m tests.bench.stub_store PORT`.

It keeps connections open and spends little time of its own, so that what is measured is the client. It knows PUT with
its conditions, GET, HEAD and buckets; it checks no signature.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web

from tests.stack.service import free_ports, listens, running, work_directory
from tests.stack.store import S3Address, Store

_NO_KEY: Final = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
_REFUSED: Final = b"<Error><Code>PreconditionFailed</Code><Message>refused</Message></Error>"
_LARGEST_BYTES: Final = 256 * 1024**2


class _Objects:
    def __init__(self) -> None:
        self._bodies: dict[str, tuple[bytes, str]] = {}
        self.calls: dict[str, int] = {}

    async def answer(self, request: web.Request) -> web.Response:
        self.calls[request.method] = self.calls.get(request.method, 0) + 1
        if request.method == "PUT":
            return self._put(request, await request.read())
        if request.path == "/":
            return web.json_response(self.calls)
        found = self._bodies.get(request.path)
        if found is None:
            return web.Response(status=HTTPStatus.NOT_FOUND, body=_NO_KEY, content_type="application/xml")
        return web.Response(body=found[0], headers={"ETag": f'"{found[1]}"'})

    def _put(self, request: web.Request, body: bytes) -> web.Response:
        held = self._bodies.get(request.path)
        is_refused = (held is not None and "If-None-Match" in request.headers) or (
            "If-Match" in request.headers and (held is None or request.headers["If-Match"].strip('"') != held[1])
        )
        if is_refused:
            return web.Response(status=HTTPStatus.PRECONDITION_FAILED, body=_REFUSED, content_type="application/xml")
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self._bodies[request.path] = (body, etag)
        return web.Response(headers={"ETag": f'"{etag}"'})


@contextmanager
def stub_store() -> Iterator[Store]:
    """The server as a process of its own."""
    (port,) = free_ports(1)
    with work_directory() as directory:
        command = [sys.executable, "-m", "tests.bench.stub_store", str(port)]
        environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
        with running(command, directory, environment, lambda: listens(port)):
            yield Store(S3Address(f"http://127.0.0.1:{port}", "stub", "stub", "us-east-1"), "a stub of S3")


def main() -> None:
    """Serves until it is ended."""
    logging.disable()
    app = web.Application(client_max_size=_LARGEST_BYTES)
    app.router.add_route("*", "/{path:.*}", _Objects().answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
