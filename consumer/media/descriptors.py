"""The files that a decoder is given: media to read from, memory to write samples to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def opened_for_reading(media: IO[bytes]) -> Iterator[int]:
    """A read-only descriptor of the same file, with a position of its own, at the start.

    On Linux the file is opened anew, which works for a file without a name. Elsewhere the descriptor is a duplicate
    and shares its position, so one file must not be decoded twice at once.
    """
    media.flush()
    if sys.platform == "linux":
        descriptor = os.open(f"/proc/self/fd/{media.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    else:
        descriptor = os.dup(media.fileno())
        os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sample_memory() -> IO[bytes]:
    """An empty file without a name, in memory where the system can do that; whoever holds it last frees it."""
    if sys.platform == "linux":
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        return os.fdopen(os.memfd_create("steno-samples", flags), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def seal(memory: IO[bytes]) -> bool:
    """Makes it unchangeable for all who hold it; False where the system cannot, or somebody has it mapped to write."""
    if sys.platform != "linux":
        return False
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    try:
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
    except OSError:
        return False
    return True
