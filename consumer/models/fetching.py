"""Finding weights from a loop: in a thread, with a word in the log now and then, and an end when nobody waits."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from consumer.models.download import Download
from consumer.models.hub import Hub
from consumer.models.resolve import LocatedModel, locate

_LOG_EVERY_S: Final = 30.0

log = structlog.get_logger(__name__)


async def find_model(name: str, cache_dir: Path, *, is_offline: bool, hub: Hub | None = None) -> LocatedModel:
    """As `locate`, without blocking. Cancelled, a download ends at its next bytes and can be continued later.

    Raises:
        FatalError: `MODEL_UNAVAILABLE`; the message names what was tried and what to do.
    """
    watch = _Watch()
    how = None if is_offline else Download(hub or Hub(), watch.see)
    try:
        return await asyncio.to_thread(locate, name, cache_dir, how)
    finally:
        watch.is_over.set()


class _Watch:
    """What a download tells, heard in its thread."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self._said = time.monotonic()

    def see(self, repository: str, done: int, total: int) -> None:
        if self.is_over.is_set():
            raise InterruptedError("nobody waits for it any more")
        if time.monotonic() - self._said > _LOG_EVERY_S:
            self._said = time.monotonic()
            log.info("model_download_progress", repository=repository, done_bytes=done, bytes=total)
