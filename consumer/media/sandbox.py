"""The decoder's rights, given up before the first byte of media is read. Nothing here can be taken back.

Each protection stands for itself, so one that a kernel lacks leaves the others. Run as a program it confines itself
and prints which ones hold on this machine, as JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import resource
import sys
from dataclasses import asdict, dataclass
from typing import Final

from consumer.media.landlock import forbid_everything, forbid_new_privileges

_CAPABILITY_VERSION_3: Final = 0x20080522
_CPU_GRACE_S: Final = 1
_MAPPED: Final = "/proc/self/statm"
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Protections:
    """Which of the protections the kernel granted."""

    landlock: bool
    """No path can be opened, no TCP address bound or reached, and no process outside can be traced or signalled."""
    no_new_privileges: bool
    no_capabilities: bool
    """Not even root's; without them a hard limit cannot be raised again."""
    no_new_descriptors: bool
    """No file and no socket of any kind; descriptors that are open go on working."""
    memory_limit: bool
    cpu_limit: bool
    file_size_limit: bool
    no_core_file: bool
    no_new_processes: bool
    """The kernel exempts root."""


def confine(*, memory_bytes: int, cpu_s: float, file_bytes: int) -> Protections:
    """Gives up every right that decoding does not need. Needs a free descriptor for a moment.

    Args:
        memory_bytes: address space on top of what is mapped now.
        cpu_s: CPU time from the start of the process; SIGXCPU ends it, SIGKILL a second later.
        file_bytes: length to which a file may grow by writing, a memfd included.
    """
    cpu_limit_s = math.ceil(cpu_s)
    most_mapped_bytes = _mapped_bytes() + memory_bytes  # asked now: soon no file can be opened
    return Protections(
        landlock=forbid_everything(),
        no_new_privileges=forbid_new_privileges(),
        no_capabilities=_drop_capabilities(),
        memory_limit=_limit(resource.RLIMIT_AS, most_mapped_bytes),
        cpu_limit=_limit(resource.RLIMIT_CPU, cpu_limit_s, cpu_limit_s + _CPU_GRACE_S),
        file_size_limit=_limit(resource.RLIMIT_FSIZE, file_bytes),
        no_core_file=_limit(resource.RLIMIT_CORE, 0),
        no_new_processes=_limit(resource.RLIMIT_NPROC, 0),
        no_new_descriptors=_limit(resource.RLIMIT_NOFILE, 0),
    )


def _limit(kind: int, soft: int, hard: int | None = None) -> bool:
    limits = (soft, soft if hard is None else hard)
    with contextlib.suppress(ValueError, OSError):  # macOS takes some limits only above what is in use
        resource.setrlimit(kind, limits)
    return resource.getrlimit(kind) == limits


def _mapped_bytes() -> int:
    """Address space in use: an interpreter with FFmpeg maps over 100 MB before it does anything."""
    try:
        descriptor = os.open(_MAPPED, os.O_RDONLY)
    except OSError:
        return 0
    try:
        pages = os.read(descriptor, 64).split()[0]
    finally:
        os.close(descriptor)
    return int(pages) * resource.getpagesize()


def _drop_capabilities() -> bool:
    if sys.platform != "linux":
        return False
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    refused: int = _LIBC.capset(header, nothing)
    return not refused


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(confine(memory_bytes=1024**3, cpu_s=60, file_bytes=1024**2))) + "\n")
