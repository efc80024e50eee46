"""A model hub on the loopback interface: it speaks the real one's protocol as far as a download needs it.

`GET /api/models/<repository>[/revision/<revision>]?blobs=true` lists files; `GET /<repository>/resolve/<commit>/<file>`
sends one, ranges included, by way of a redirect where a repository keeps it apart from git, as the real hub does.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import unquote, urlsplit

TINY_MODEL: Final = {
    "config.json": b'{"alignment_heads": []}',
    "model.bin": bytes(range(256)) * 4096,
    "tokenizer.json": b'{"version": "1.0"}',
    "vocabulary.txt": b"hello\n",
    "README.md": b"not fetched",
}
"""Files that look like a model to everybody but the engine."""

_STORED_APART: Final = ".bin"


@dataclass
class Repository:
    """Files at one commit."""

    files: Mapping[str, bytes] = field(default_factory=lambda: dict(TINY_MODEL))
    revisions: tuple[str, ...] = ("main", "v1.0")

    @property
    def commit(self) -> str:
        """Follows from the files."""
        digest = hashlib.sha1(usedforsecurity=False)
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + content)
        return digest.hexdigest()


@dataclass
class Mood:
    """How the hub misbehaves."""

    refuses: int | None = None
    """The status of every answer."""
    refuses_after: int | None = None
    """Answers 503 once so many files were asked for."""
    cuts_at: int | None = None
    """Drops the connection, once, after so many bytes of the weights."""
    lies: bool = False
    """Sends weights of the right size that are not what it says."""
    stalls_once: bool = False
    """Falls silent, once, in the middle of the weights."""
    stalls_always: bool = False
    """Never answers."""
    ignores_ranges: bool = False
    token: str | None = None
    """The only one that it serves."""


@dataclass
class StandIn:
    """The hub as a test sees it."""

    repositories: dict[str, Repository]
    mood: Mood = field(default_factory=Mood)
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Paths asked for, with the range where one was."""
    let_go: threading.Event = field(default_factory=threading.Event)
    """Set to end every silence."""

    @property
    def lookups(self) -> list[str]:
        """Repositories asked for."""
        return [path for path in self.asked if path.startswith("/api/models/")]

    @property
    def downloads(self) -> list[str]:
        """Files sent, with the range where one was asked for."""
        return [path.rpartition("/")[2] for path in self.asked if path.startswith("/stored/") or "/resolve/" in path]


@contextmanager
def stand_in_hub(repositories: Mapping[str, Repository]) -> Iterator[StandIn]:
    """Serves until the context ends."""
    hub = StandIn(dict(repositories))
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub})) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            hub.let_go.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers, or misbehaves."""
        self.close_connection = True
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(path + (f" {ranged}" if (ranged := self.headers["Range"]) else ""))
        mood = self.hub.mood
        if mood.stalls_always:
            self.hub.let_go.wait(30)
            return
        if mood.refuses or (mood.refuses_after is not None and len(self.hub.downloads) > mood.refuses_after):
            self._refuse(mood.refuses or 503)
        elif mood.token and self.headers["Authorization"] != f"Bearer {mood.token}":
            self._refuse(403, GatedRepo="accept the terms") if self.headers["Authorization"] else self._refuse(401)
        else:
            self._answer(path)

    do_HEAD = do_GET  # noqa: N815 - named by the base class

    def _answer(self, path: str) -> None:
        if listed := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._list(listed[1], listed[2] or "main")
        elif asked := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(asked[1], asked[2], asked[3])
        elif stored := re.fullmatch(r"/stored/([^/]+/[^/]+)/(.+)", path):
            self._send_file(self.hub.repositories[stored[1]], stored[2])
        else:
            self._refuse(404)

    def _list(self, name: str, revision: str) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            return self._refuse(401, RepoNotFound="Invalid username or password.")
        if revision not in (*repository.revisions, repository.commit):
            return self._refuse(404, RevisionNotFound="Invalid rev id")
        siblings = [_sibling(file, content) for file, content in repository.files.items()]
        body = json.dumps({"id": name, "sha": repository.commit, "siblings": siblings}).encode()
        return self._send(200, body, {"Content-Type": "application/json"})

    def _resolve(self, name: str, revision: str, file: str) -> None:
        repository = self.hub.repositories[name]
        content = repository.files.get(file)
        if content is None or revision != repository.commit:
            return self._refuse(404, EntryNotFound="Entry not found")
        if not file.endswith(_STORED_APART):
            return self._send_file(repository, file)
        linked = {"X-Linked-Etag": f'"{_sha256(content)}"', "X-Linked-Size": str(len(content))}
        return self._send(302, b"", {"Location": f"{self.hub.url}/stored/{name}/{file}", **linked})

    def _send_file(self, repository: Repository, file: str) -> None:
        content, mood = repository.files[file], self.hub.mood
        start = 0
        if (ranged := re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")) and not mood.ignores_ranges:
            start = int(ranged[1])
        headers = {"ETag": f'"{_git_sha1(content)}"', "X-Repo-Commit": repository.commit}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = bytes(len(content) - start) if mood.lies and file.endswith(_STORED_APART) else content[start:]
        self._send(206 if start else 200, body, headers, is_weights=file.endswith(_STORED_APART))

    def _refuse(self, status: int, **error: str) -> None:
        headers = {header: value for code, text in error.items() for header, value in
                   (("X-Error-Code", code), ("X-Error-Message", text))}  # fmt: skip
        self._send(status, b"{}", headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], *, is_weights: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        mood = self.hub.mood
        if is_weights and (mood.cuts_at is not None or mood.stalls_once):
            self.wfile.write(body[: mood.cuts_at or len(body) // 2])
            self.wfile.flush()
            if mood.stalls_once:
                mood.stalls_once = False
                self.hub.let_go.wait(30)
            mood.cuts_at = None
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""


def _sibling(name: str, content: bytes) -> dict[str, object]:
    sibling: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": _git_sha1(content)}
    if name.endswith(_STORED_APART):
        sibling["lfs"] = {"sha256": _sha256(content), "size": len(content), "pointerSize": 134}
    return sibling


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
