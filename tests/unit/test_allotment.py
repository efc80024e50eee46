"""How much of a machine a container may use, by files as both versions of control groups have them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from consumer import allotment

CONTAINER = "0::/\n"
HOST = "0::/system.slice/steno.service\n"
FIRST = "5:cpu,cpuacct:/docker/f3e4\n4:memory:/docker/f3e4\n1:name=systemd:/docker/f3e4\n"
OUTSIDE = "0::/../../neighbour\n"


def mounted(folder: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A mount with these files, and the membership's file."""
    for name, text in files.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="ascii")
    (folder / "self").write_text(membership, encoding="ascii")
    return folder / "cgroup", folder / "self"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        (CONTAINER, {"cpu.max": "200000 100000"}, 2.0),
        (CONTAINER, {"cpu.max": "50000 100000"}, 0.5),
        (CONTAINER, {"cpu.max": "max 100000"}, math.inf),
        (CONTAINER, {}, math.inf),
        (CONTAINER, {"cpu.max": "nonsense"}, math.inf),
        (OUTSIDE, {"cpu.max": "100000 100000"}, 1.0),
        (HOST, {"system.slice/steno.service/cpu.max": "300000 100000"}, 3.0),
        (HOST, {"system.slice/cpu.max": "100000 100000", "system.slice/steno.service/cpu.max": "max 100000"}, 1.0),
        (HOST, {"unified/system.slice/cpu.max": "100000 100000"}, 1.0),
        (FIRST, {"cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "100000"}, 1.5),
        (FIRST, {"cpu,cpuacct/docker/f3e4/cpu.cfs_quota_us": "400000",
                 "cpu,cpuacct/docker/f3e4/cpu.cfs_period_us": "100000"}, 4.0),
        (FIRST, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        ("", {"cpu.max": "200000 100000"}, math.inf),
    ],
)  # fmt: skip
def test_the_smallest_quota_of_the_groups_around_a_process_counts(
    membership: str, files: dict[str, str], quota: float, tmp_path: Path
) -> None:
    assert allotment.cpu_quota(*mounted(tmp_path, membership, files)) == quota


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        (CONTAINER, {"memory.max": "1073741824"}, 2**30),
        (CONTAINER, {"memory.max": "max"}, None),
        (HOST, {"system.slice/memory.max": "1000", "system.slice/steno.service/memory.max": "2000"}, 1000),
        (FIRST, {"memory/memory.limit_in_bytes": "1073741824"}, 2**30),
        (FIRST, {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        (FIRST, {"memory/docker/f3e4/memory.limit_in_bytes": "4096"}, 4096),
    ],
)
def test_the_smallest_limit_on_memory_counts(
    membership: str, files: dict[str, str], limit: int | None, tmp_path: Path
) -> None:
    assert allotment.memory_limit_bytes(*mounted(tmp_path, membership, files)) == limit


def test_a_system_without_control_groups_limits_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "none"
    assert allotment.cpu_quota(nowhere, nowhere) == math.inf
    assert allotment.memory_limit_bytes(nowhere, nowhere) is None


def test_there_is_always_a_core_and_never_more_than_are_seen() -> None:
    assert 1 <= allotment.cores() <= allotment.seen_cores()
