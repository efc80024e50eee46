"""The resident size of the engine process, and what it may be."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from consumer.engine.launch import MisfitError

_WATCH_S: Final = 0.25
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class OutgrownError(MisfitError):
    """It takes more than the settings allow before it has any job."""


def outgrown(limit_bytes: int) -> str:
    """A clause on a process that was ended for its size."""
    return f"the engine process grew past {limit_bytes} bytes; raise STENO_ENGINE__MAX_RSS_BYTES, or set 0 for no limit"


def require_room(process_id: int, limit_bytes: int) -> None:
    """Makes sure that a process without a job may live; 0 is no limit.

    Raises:
        OutgrownError: every job would only be ended.
    """
    taken_bytes = resident_bytes(process_id)
    if 0 < limit_bytes <= taken_bytes:
        raise OutgrownError(
            f"STENO_ENGINE__MAX_RSS_BYTES ({limit_bytes}) is below the {taken_bytes} bytes that the engine process "
            "takes with its model loaded and no job; leave room for jobs, or set 0 for no limit"
        )


async def outgrows(process_id: int, limit_bytes: int) -> None:
    """Ends as soon as the process holds more than that."""
    while True:
        await asyncio.sleep(_WATCH_S)
        if resident_bytes(process_id) > limit_bytes:
            return


def resident_bytes(process_id: int) -> int:
    """What the process holds in memory now; 0 once it is gone, and where there is no /proc."""
    try:
        return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0
