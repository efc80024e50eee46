"""Runs steno with a scratch folder on a small disk of its own: `python -m tests.bench.faults.small_disk worker`.

STENO_SCRATCH__DIR becomes a tmpfs of SMALL_DISK_BYTES in a mount namespace of this process, which needs no rights where
the kernel lets users have namespaces. From outside the folder is at `/proc/PID/root/…`.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
from pathlib import Path
from typing import Final

SIZE: Final = "SMALL_DISK_BYTES"
_FOLDER: Final = "STENO_SCRATCH__DIR"
_NEW_MOUNTS: Final = 0x20000
_NEW_USERS: Final = 0x10000000
_PRIVATE_ALL: Final = 0x40000 | 0x4000


def mount(folder: Path, size_bytes: int) -> None:
    """Covers a folder, for this process and its children.

    Raises:
        OSError: the kernel does not let us.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _check(libc.unshare(_NEW_USERS | _NEW_MOUNTS))
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    _check(libc.mount(b"none", b"/", None, _PRIVATE_ALL, None))
    _check(libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, f"size={size_bytes}".encode()))


def _check(result: int) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def main() -> None:
    """Mounts and becomes steno."""
    mount(Path(os.environ[_FOLDER]), int(os.environ[SIZE]))
    sys.argv[0] = "steno"
    runpy.run_module("consumer", run_name="__main__")


if __name__ == "__main__":
    main()
