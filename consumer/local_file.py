"""A file of this machine, opened once for all that is done with it."""

from __future__ import annotations

import asyncio
import errno
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

_SHORTAGES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


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
        """Opens a file for the enclosed block.

        Never waits for somebody to write to a pipe, and takes none.

        Raises:
            TransientError: `INPUT_NOT_FOUND`.
            PermanentError: `INPUT_FORBIDDEN`, it is no regular file or cannot be read.
        """
        with _blaming(path):
            descriptor = _descriptor(path)
        with os.fdopen(descriptor, "rb") as media:
            yield cls(path, media, os.fstat(descriptor))

    async def fetched(self, *, max_bytes: int) -> FetchedObject:
        """Reads it from start to end for its checksum.

        Raises:
            PermanentError: `INPUT_TOO_LARGE`, or `INPUT_FORBIDDEN`, it cannot be read.
        """
        self._check_size(self.found.st_size, max_bytes)
        digest = hashlib.sha256()
        size_bytes = 0
        while count := await asyncio.to_thread(self._read_chunk, digest):
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

    def _read_chunk(self, digest: Any) -> int:
        """Returns how many bytes there were; blocks. Who closes the file waits for it."""
        with _blaming(self.path):
            chunk = self.media.read(_CHUNK_BYTES)
        digest.update(chunk)
        return len(chunk)

    def _check_size(self, size_bytes: int, max_bytes: int) -> None:
        if size_bytes > max_bytes:
            text = f"{self.path} has {size_bytes} bytes, at most {max_bytes} are taken (STENO_MEDIA__MAX_BYTES)"
            raise PermanentError(ErrorCode.INPUT_TOO_LARGE, text)


def exhausted(path: Path, error: OSError) -> TransientError:
    """The machine, and no fault of the file, is why it was not transcribed."""
    hint = "; raise the limit on open files (ulimit -n)" if error.errno == errno.EMFILE else ""
    text = f"{path} is not at fault, this machine is: {error.strerror or error}{hint}"
    return TransientError(ErrorCode.INTERNAL, text)


def _descriptor(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = _KINDS.get(stat.S_IFMT(mode), "something else")
    text = f"{path} is {kind} and no file; save what it gives to a file and transcribe that"
    raise PermanentError(ErrorCode.INPUT_FORBIDDEN, text)


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Makes errors of the system errors of this input, but for those that are the machine's own."""
    try:
        yield
    except FileNotFoundError as exc:
        raise TransientError(ErrorCode.INPUT_NOT_FOUND, f"{path} does not exist") from exc
    except OSError as exc:
        if exc.errno in _SHORTAGES:
            raise exhausted(path, exc) from exc
        raise PermanentError(ErrorCode.INPUT_FORBIDDEN, f"{path} cannot be read: {exc.strerror or exc}") from exc
