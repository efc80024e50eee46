"""An OAuth token endpoint that the test broker believes, and some that it should not."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs

CLIENT_ID: Final = "worker"
CLIENT_SECRET: Final = "a secret:with a colon"


class TokenEndpoint(ThreadingHTTPServer):
    """`/token` gives tokens, `/hang` says nothing, `/html`, `/empty` and `/broken` something else."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listens on a free port of the loopback interface."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.life_s = 60.0
        self.refuses = False
        self.asked: list[dict[str, list[str]]] = []
        """Forms that came with the right secret."""
        self.released = threading.Event()

    def url(self, path: str = "/token") -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: TokenEndpoint

    def do_POST(self) -> None:  # the base class's name
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        match self.path:
            case "/hang":
                self.server.released.wait(30)
            case "/html":
                self._answer(200, "<html>Please log in</html>")
            case "/empty":
                self._answer(200, "{}")
            case "/broken":
                self._answer(500, "oops")
            case "/elsewhere":
                self._answer(302, "", location=self.server.url())
            case _:
                self._grant(form)

    def _grant(self, form: dict[str, list[str]]) -> None:
        proof = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if self.server.refuses or self.headers["Authorization"] != f"Basic {proof}":
            refusal = {"error": "invalid_client", "error_description": f"{self.headers['Authorization']} is wrong"}
            self._answer(401, json.dumps(refusal))
            return
        self.server.asked.append(form)
        life_s = self.server.life_s
        self._answer(200, json.dumps({"access_token": _unsigned(life_s), "expires_in": life_s, "token_type": "Bearer"}))

    def _answer(self, status: int, text: str, *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Says nothing."""


@contextmanager
def token_endpoint() -> Iterator[TokenEndpoint]:
    """The endpoint, served by a thread."""
    with TokenEndpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


def _unsigned(life_s: float) -> str:
    """A token as Kafka's own stand-in validator takes it (RFC 7515, no signature)."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": CLIENT_ID, "iat": now, "exp": now + life_s})
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join([*texts, ""])
