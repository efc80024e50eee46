"""A private event loop in a thread, for callers that have none or whose own is busy."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, Final, TypeVar

from contracts.client.errors import ClientError

T = TypeVar("T")

_CLEAN_UP_S: Final = 30.0
_END: Final = object()


class LoopThread:
    """Runs coroutines to their end for any thread; a daemon, so that a forgotten one keeps no interpreter alive."""

    def __init__(self) -> None:
        """Starts the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="steno-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result; an interruption of the caller (Ctrl-C) cancels it and waits until it has cleaned up.

        Raises:
            ClientError: the loop was closed meanwhile.
        """
        ended = threading.Event()

        async def tracked() -> T:
            try:
                return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(tracked(), self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError as exc:
            raise ClientError("the client was closed meanwhile; open a new one") from exc
        except BaseException:
            if future.cancel():
                ended.wait(_CLEAN_UP_S)
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Its items one by one; who leaves early closes it, and so does the end of the loop."""
        try:
            while (item := self.run(_next(items))) is not _END:
                yield item  # type: ignore[misc] # all but the mark of the end
        finally:
            if self._loop.is_running():
                self.run(items.aclose())

    def close(self) -> None:
        """Cancels what still runs, and ends the thread."""
        self.run(self._wind_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLEAN_UP_S)
        self._loop.close()

    async def _wind_up(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()


async def _next(items: AsyncGenerator[T, None]) -> T | object:
    return await anext(items, _END)
