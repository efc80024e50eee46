"""Keeps one engine process alive: whenever it ends, the next one is started."""

from __future__ import annotations

import asyncio
from typing import Final, Self

import structlog

from consumer.core.failures import OutageError
from consumer.engine.config import EngineConfig
from consumer.engine.launch import StartError
from consumer.engine.session import Session
from contracts.errors import ErrorCode

_MAX_DELAY_S: Final = 30.0
log = structlog.get_logger(__name__)


def restart_delay_s(failures: int) -> float:
    """Pause before the next start: none after the first failure in a row, then 1, 2, 4 ... 30 s."""
    return min(2.0 ** min(failures - 2, 5), _MAX_DELAY_S) if failures > 1 else 0.0


class Keeper:
    """A session at all times, but for the seconds of a restart. Make one with `open`, end it with `close`."""

    def __init__(self, config: EngineConfig) -> None:
        """Starts nothing; call in a running loop."""
        self._config = config
        self._failures = 0
        self._ready: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._restarting: asyncio.Task[None] | None = None
        self._is_closing = False

    @classmethod
    async def open(cls, config: EngineConfig) -> Self:
        """Starts the first process.

        Raises:
            StartError: it did not come up.
        """
        keeper = cls(config)
        keeper._ready.set_result(await Session.open(config, keeper._on_end))
        return keeper

    @property
    def session(self) -> Session | None:
        """The running session; None during a restart."""
        return self._ready.result() if self._ready.done() and not self._is_closing else None

    async def wait(self) -> Session:
        """The running session, or the next one.

        Raises:
            OutageError: `MODEL_LOAD_FAILED`, a start failed meanwhile or takes longer than `load_timeout_s`.
        """
        try:
            async with asyncio.timeout(self._config.load_timeout_s):
                return await asyncio.shield(self._ready)
        except TimeoutError as exc:
            raise self._outage(f"not within {self._config.load_timeout_s:g} s") from exc

    async def close(self) -> None:
        """Ends the process and starts no other; bounded in time."""
        session = self.session
        self._is_closing = True
        if session is not None:
            await session.close()
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait((self._restarting,))
        if not self._ready.done():
            self._disappoint("the engine was closed")

    def _on_end(self, session: Session) -> None:
        if self._is_closing:
            return
        log.error("engine_ended", reason=session.how, finished_jobs=session.finished_jobs)
        # One that came to nothing counts as a failed start: a process that dies at once is not spun.
        self._failures = 0 if session.finished_jobs else self._failures + 1
        self._ready = asyncio.get_running_loop().create_future()
        self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        while True:
            await asyncio.sleep(restart_delay_s(self._failures))
            try:
                session = await Session.open(self._config, self._on_end)
            except StartError as exc:
                self._failures += 1
                log.error("engine_start_failed", reason=str(exc), failures=self._failures)  # noqa: TRY400 - no defect
                self._disappoint(str(exc))
            else:
                self._ready.set_result(session)
                return

    def _disappoint(self, reason: str) -> None:
        """Tells the jobs that wait; those that come later wait for the next start."""
        self._ready.set_exception(self._outage(reason))
        self._ready.exception()  # nobody may be waiting, and asyncio would complain
        self._ready = asyncio.get_running_loop().create_future()

    def _outage(self, reason: str) -> OutageError:
        return OutageError(ErrorCode.MODEL_LOAD_FAILED, f"model '{self._config.model_name}' cannot be loaded: {reason}")
