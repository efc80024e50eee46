"""Blocking work in a thread that nobody waits for at the end: a dead network disk must not hold up the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


async def aside(work: Callable[[], Result]) -> Result:
    """What the work returns or raises; cancelled, it is left to itself."""
    outcome: Future[Result] = Future()
    threading.Thread(target=_run, args=(work, outcome), daemon=True).start()
    return await asyncio.wrap_future(outcome)


def _run(work: Callable[[], Result], outcome: Future[Result]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        outcome.set_result(work())
    except BaseException as exc:  # noqa: BLE001 - handed to whoever waits
        outcome.set_exception(exc)
