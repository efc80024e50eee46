"""What this process may use of the machine: cores and memory, by its affinity and by its control groups.

A container that is limited to two processors on a machine of sixty-four sees all of them: neither
`sched_getaffinity` nor Python 3.13's `process_cpu_count` knows of a quota, and sixty-four threads under one of two
are throttled for most of each period.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MOUNT: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_UNLIMITED_BYTES: Final = 2**62
"""Version 1 writes the largest number of whole pages where there is no limit."""


def cores() -> int:
    """Processors that this process may keep busy, at least 1; a quota of one and a half counts as two."""
    return max(math.ceil(min(cpu_quota(), seen_cores())), 1)


def seen_cores() -> int:
    """Processors that this process may run on, whatever its share of them."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory of this machine, or of the control group where that is less."""
    whole_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(whole_bytes, memory_limit_bytes() or whole_bytes)


def cpu_quota(mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> float:
    """Processors that the control groups grant, a fraction too; infinite where none sets a quota.

    Args:
        mount: where control groups are mounted.
        membership: the file that says which of them this process is in.
    """
    return min((_quota_of(group) for group in _groups("cpu", mount, membership)), default=math.inf)


def memory_limit_bytes(mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> int | None:
    """The least that the control groups grant; None where none sets a limit."""
    files = ("memory.max", "memory.limit_in_bytes")
    texts = [_text(group / file) for group in _groups("memory", mount, membership) for file in files]
    limits = [limit for text in texts if (limit := _number(text)) is not None and limit < _UNLIMITED_BYTES]
    return min(limits, default=None)


def _quota_of(group: Path) -> float:
    """Of one group: `cpu.max` has quota and period in one line, version 1 has a file for each; in microseconds."""
    words = _text(group / "cpu.max").split() or [
        _text(group / "cpu.cfs_quota_us"),
        _text(group / "cpu.cfs_period_us"),
    ]
    quota, period = (_number(word) or 0 for word in (*words, "")[:2])
    return quota / period if quota > 0 and period > 0 else math.inf


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # `max`, or nothing
        return None


def _groups(controller: str, mount: Path, membership: Path) -> Iterator[Path]:
    """Folders of the groups in which a controller may limit this process, innermost first; they need not be there.

    A container finds its own group at the mount's root, whatever path the membership tells. Elsewhere the path leads
    to it, and each group above limits it as well.
    """
    for line in _text(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        roots = (mount / controllers, mount / controller) if controllers else (mount, mount / "unified")
        for root in dict.fromkeys(roots):
            group = root / path.lstrip("/")
            yield from (each for each in (group, *group.parents) if each.is_relative_to(root))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
