"""A file of this machine, opened once for all that is done with it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from consumer.core.failures import PermanentError, TransientError
from consumer.core.speech import FetchedObject
from contracts.errors import ErrorCode

_CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Read at once: whoever cancels waits no longer than for so much."""

_KINDS: Final = {
    stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An open regular file, which may be renamed or removed meanwhile, but not written to."""

    path: Path
    media: IO[bytes]
    found: os.stat_result
    """What it was when it was opened."""

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[LocalFile]:
        """Opens a file for the enclosed block, where errors of the system become errors of this input.

        Never waits for somebody to write to a pipe, and takes none.

        Raises:
            TransientError: `INPUT_NOT_FOUND`.
            PermanentError: `INPUT_FORBIDDEN`, it is no regular file or cannot be read.
        """
        try:
            with open(_descriptor(path), "rb") as media:
                yield cls(path, media, os.fstat(media.fileno()))
        except FileNotFoundError as exc:
            raise TransientError(ErrorCode.INPUT_NOT_FOUND, f"{path} does not exist") from exc
        except OSError as exc:
            raise PermanentError(ErrorCode.INPUT_FORBIDDEN, f"{path} cannot be read: {exc.strerror or exc}") from exc

    async def fetched(self, *, max_bytes: int) -> FetchedObject:
        """Reads it from start to end for its checksum.

        Raises:
            PermanentError: `INPUT_TOO_LARGE`.
        """
        self._check_size(self.found.st_size, max_bytes)
        digest = hashlib.sha256()
        size_bytes = 0
        while count := await asyncio.to_thread(_read_chunk, self.media, digest):
            size_bytes += count
            self._check_size(size_bytes, max_bytes)
        return FetchedObject(size_bytes=size_bytes, sha256=digest.hexdigest(), etag="", version_id=None)

    def check_unchanged(self) -> None:
        """Call it after the last read: only then is what was read one and the same file.

        Raises:
            PermanentError: `INPUT_CHANGED`, somebody has written to it since it was opened.
        """
        now = os.fstat(self.media.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.found.st_size, self.found.st_mtime_ns):
            text = f"{self.path} changed while it was read; transcribe it again once it is written to its end"
            raise PermanentError(ErrorCode.INPUT_CHANGED, text)

    def _check_size(self, size_bytes: int, max_bytes: int) -> None:
        if size_bytes > max_bytes:
            text = f"{self.path} has {size_bytes} bytes, at most {max_bytes} are taken (STENO_MEDIA__MAX_BYTES)"
            raise PermanentError(ErrorCode.INPUT_TOO_LARGE, text)


def _descriptor(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = _KINDS.get(stat.S_IFMT(mode), "something else")
    text = f"{path} is {kind} and no file; save what it gives to a file and transcribe that"
    raise PermanentError(ErrorCode.INPUT_FORBIDDEN, text)


def _read_chunk(media: IO[bytes], digest: Any) -> int:
    """Returns how many bytes there were; blocks. Who closes the file waits for it."""
    chunk = media.read(_CHUNK_BYTES)
    digest.update(chunk)
    return len(chunk)
