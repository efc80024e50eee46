"""Keeps one engine process alive: whenever it ends, the next one is started."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final, Protocol

import structlog

from consumer.engine.config import EngineConfig
from consumer.engine.job import Cause
from consumer.engine.launch import DiedError, StartError
from consumer.engine.session import Session
from consumer.engine.tally import Tally

_MAX_DELAY_S: Final = 30.0
log = structlog.get_logger(__name__)


def restart_delay_s(failures: int) -> float:
    """Pause before the next start: none after the first failure in a row, then 1, 2, 4 ... 30 s."""
    return min(2.0 ** min(failures - 2, 5), _MAX_DELAY_S) if failures > 1 else 0.0


def failures_after(failures: int, *, has_begun: bool) -> int:
    """Failures in a row once a process has ended: one in which no job had begun counts as a failed start.

    Jobs that crash it must not hold up good ones, and each is charged at the latest when it was alone.
    """
    return 0 if has_begun else failures + 1


class Listener(Protocol):
    """Hears of the process's lives, in the loop."""

    def on_ready(self) -> None:
        """There is a session now."""

    def on_start_failed(self, reason: str) -> None:
        """A start came to nothing; the next one follows after a pause."""


class Keeper:
    """A session at all times, but for the seconds of a restart. Open it once, and close it."""

    def __init__(self, config: EngineConfig, listener: Listener) -> None:
        """Starts nothing."""
        self._config = config
        self._listener = listener
        self._failures = 0
        self._session: Session | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._is_closing = False
        self.tally: Final = Tally()

    async def open(self) -> Session:
        """Starts the first process, once more if it dies; those that follow take the same device.

        Raises:
            StartError: it did not come up.
        """
        try:
            self._session = await Session.open(self._config, self._on_end)
        except DiedError as exc:
            self.tally.start_failures += 1
            log.warning("engine_starts_again", reason=str(exc))
            self._session = await Session.open(self._config, self._on_end)
        self.tally.add_load(self._session.load_s)
        opened = self._session.opened
        # A GPU that falls off its bus is an outage, not a reason to go on a hundred times slower.
        is_found = self._config.device == "auto" and opened.device == "cuda"
        self._config = replace(
            self._config,
            device="cuda" if is_found else self._config.device,
            slots=opened.slots,
            cpu_threads=opened.cpu_threads,
        )
        return self._session

    @property
    def session(self) -> Session | None:
        """The running session; None during a restart."""
        return self._session

    @property
    def is_supervising(self) -> bool:
        """Whether the process's end is heard of, or the next start is under way; False only by a defect of ours."""
        if self._is_closing or (self._restarting is not None and not self._restarting.done()):
            return True
        return self._session is not None and self._session.is_watched

    async def close(self) -> None:
        """Ends the process and starts no other; bounded in time."""
        self._is_closing = True
        if self._session is not None:
            await self._session.close()
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait((self._restarting,))

    def _on_end(self, session: Session) -> None:
        self._session = None
        if self._is_closing:
            return
        self.tally.ends[session.cause] += 1
        if session.cause is Cause.CLOSED:
            log.info("engine_recycled", finished_jobs=session.finished_jobs)
        else:
            log.error(
                "engine_ended",
                reason=session.how,
                cause=session.cause.name.lower(),
                finished_jobs=session.finished_jobs,
            )
        self._failures = failures_after(self._failures, has_begun=session.has_begun)
        self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        while True:
            await asyncio.sleep(restart_delay_s(self._failures))
            try:
                self._session = await Session.open(self._config, self._on_end)
            except StartError as exc:
                self._failures += 1
                self.tally.start_failures += 1
                log.error("engine_start_failed", reason=str(exc), failures=self._failures)  # noqa: TRY400 - no defect
                self._listener.on_start_failed(str(exc))
            else:
                self.tally.add_load(self._session.load_s)
                log.info("engine_ready", process_id=self._session.process_id)
                self._listener.on_ready()
                return
