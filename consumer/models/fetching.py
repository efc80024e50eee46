"""Finding weights from a loop: in a thread, with a word in the log now and then, and an end when nobody waits."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from consumer.models.download import Download
from consumer.models.hub import Hub, OnBytes
from consumer.models.resolve import LocatedModel, locate

_LOG_EVERY_S: Final = 30.0

log = structlog.get_logger(__name__)


async def find_model(
    name: str,
    cache_dir: Path,
    *,
    is_offline: bool,
    is_forced: bool = False,
    on_bytes: OnBytes | None = None,
    hub: Hub | None = None,
) -> LocatedModel:
    """As `locate`, without blocking. Cancelled, a download ends at its next bytes and can be continued later.

    Args:
        name: a model's name, a repository of the hub, or a path.
        cache_dir: holds a folder per model; need not exist.
        is_offline: whether the hub is not to be asked.
        is_forced: whether it is fetched anew though the cache has it.
        on_bytes: hears of a download's bytes, there and in all, in a thread of its own.
        hub: to ask; the standard one by default.

    Raises:
        FatalError: `MODEL_UNAVAILABLE`; the message names what was tried and what to do.
    """
    watch = _Watch(on_bytes or _ignore)
    how = None if is_offline else Download(hub or Hub(), watch.see)
    try:
        return await asyncio.to_thread(locate, name, cache_dir, how, is_forced=is_forced)
    finally:
        watch.is_over.set()


class _Watch:
    """What a download tells, heard in its thread."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self.is_over = threading.Event()
        self._said = time.monotonic()

    def see(self, repository: str, done: int, total: int) -> None:
        if self.is_over.is_set():
            raise InterruptedError("nobody waits for it any more")
        self._on_bytes(done, total)
        if time.monotonic() - self._said > _LOG_EVERY_S:
            self._said = time.monotonic()
            log.info("model_download_progress", repository=repository, done_bytes=done, bytes=total)


def _ignore(_done: int, _total: int) -> None:
    pass
