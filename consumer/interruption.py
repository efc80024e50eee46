"""Ending a block from outside with an error of one's own, as `asyncio.timeout` does it with time."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Interruption:
    """An async context manager; when interrupted, its block is cancelled and the error raised in its place."""

    def __init__(self) -> None:
        """Not entered yet."""
        self._task: asyncio.Task[object] | None = None
        self._cancellations = 0
        self._error: BaseException | None = None

    def interrupt(self, error: BaseException) -> None:
        """Ends the block with this error; the first one counts, and none before or after the block."""
        if self._task is not None and self._error is None:
            self._error = error
            self._task.cancel()

    async def __aenter__(self) -> Self:
        """Takes the current task as the one to interrupt."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an interruption needs a task to interrupt")
        self._task, self._cancellations = task, task.cancelling()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises what the block was interrupted with; if the task was cancelled for other reasons too, it stays so."""
        task, self._task = self._task, None
        if task is None or self._error is None:
            return
        if task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise self._error from error
