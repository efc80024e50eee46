"""Filling a folder of the cache so that readers see the whole folder or none, and one process does it at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import structlog

LOCK_WAIT_S: Final = 3600.0
"""How long to wait for another process that fills the same folder: it may be fetching gigabytes."""
_LOCK_POLL_S: Final = 0.05
_MEGABYTE: Final = 1e6

log = structlog.get_logger(__name__)


@contextlib.contextmanager
def locked(folder: Path, is_wanted: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock on a folder of the cache; makes its parents. Blocks.

    Args:
        folder: need not exist.
        is_wanted: called while waiting; raises to give up.

    Raises:
        OSError: the cache cannot be written.
        TimeoutError: another process has been at it for `LOCK_WAIT_S`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder, "lock").open("w") as stream:
        _acquire(stream, is_wanted)
        yield  # closing the file gives the lock back, and so does the death of its holder


def workplace(folder: Path) -> Path:
    """Where the files of a folder are put together: a sibling, so that a rename brings it in place."""
    return _beside(folder, "partial")


def require_space(partial: Path, size_bytes: int) -> None:
    """Ends before it begins what the disk cannot hold.

    Raises:
        OSError: `ENOSPC`, with the figures.
    """
    missing_bytes = size_bytes - sum(file.stat().st_size for file in partial.iterdir())
    free_bytes = shutil.disk_usage(partial).free
    if missing_bytes > free_bytes:
        text = f"{missing_bytes / _MEGABYTE:.0f} MB are to come and {free_bytes / _MEGABYTE:.0f} MB are free"
        raise OSError(errno.ENOSPC, text, str(partial))


def place(folder: Path) -> None:
    """Brings the workplace in the folder's place, durably. Under the lock only."""
    partial, broken = workplace(folder), _beside(folder, "broken")
    for file in partial.iterdir():
        _sync(file)
    _sync(partial)
    _remove(broken)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(broken)
    partial.rename(folder)
    _sync(folder.parent)
    _remove(broken)


def set_aside(folder: Path) -> None:
    """Keeps what lies there as `.<name>.replaced`, in the stead of what was kept before. Under the lock only."""
    kept = _beside(folder, "replaced")
    _remove(kept)
    folder.rename(kept)
    log.warning("model_set_aside", folder=str(folder), kept=str(kept))


def _remove(folder: Path) -> None:
    if folder.is_symlink():  # somebody keeps the weights elsewhere, where they stay
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _beside(folder: Path, role: str) -> Path:
    return folder.parent / f".{folder.name}.{role}"


def _acquire(stream: IO[str], is_wanted: Callable[[], None]) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process holds {stream.name}") from None
            is_wanted()
            time.sleep(_LOCK_POLL_S)
        else:
            return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
