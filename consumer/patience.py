"""Waiting for a dependency that is away: nobody's job is at fault, so nothing fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

import structlog

from consumer.core.failures import OutageError, PermanentError, TransientError
from consumer.core.outages import Dependency, dependency_of, pauses_intake
from consumer.core.pauses import pause_s
from consumer.gates import Gate, OutageLog, Visit, Waiting
from consumer.ports import RecordRefusedError
from consumer.turns import parked
from contracts.errors import VERDICTS, ErrorCode, Verdict

T = TypeVar("T")
Heed = Callable[[], AbstractAsyncContextManager[None]]

OUTAGES = tuple(code for code, verdict in VERDICTS.items() if verdict is Verdict.OUTAGE)

log = structlog.get_logger(__name__)


class Patience:
    """One gate for each dependency of a worker; `core.outages` says whom a closed one holds up."""

    def __init__(self, waiting: Waiting | None = None) -> None:
        """Every gate is open."""
        self._waiting = waiting or Waiting()
        self._past = OutageLog()
        self._gates: dict[tuple[Dependency, str | None], Gate] = {}
        self._changed = asyncio.Event()
        self._holds = True

    async def outlast(
        self,
        action: str,
        call: Callable[[], Awaitable[T]],
        *,
        asks: Dependency | None = None,
        model: str | None = None,
        heed: Heed = nullcontext,
    ) -> T:
        """Repeats a call while a dependency is away, the attempt parked; ends with its result or any other error.

        Args:
            action: names the call in log lines.
            call: what to do; called anew each time.
            asks: the one dependency that answers this call: any end of it shows that it is there, and an outage of
                another is raised. None: whatever is away is waited for.
            model: the one that the job asks for by name.
            heed: entered for each wait; it may end that with an error of its own.
        """
        visit = Visit()
        try:
            while True:
                try:
                    return await self._ask(call, asks)
                except OutageError as exc:
                    if asks not in {None, away := dependency_of(exc.code, asks)}:
                        raise
                    await self._wait(visit, exc, action, self._gate(away, model), heed)
        finally:
            visit.leave()

    def answered(self, dependency: Dependency, model: str | None = None) -> None:
        """Hears that a dependency has answered somebody."""
        self._gate(dependency, model).answered()

    # Of intake.

    def takes(self) -> bool:
        """Whether a further job may be taken now. What is let in as a second opinion is let in once."""
        if not self._is_letting_in:
            return False
        for gate in self._shut():
            gate.wants_opinion = False
        return True

    async def until_it_takes(self) -> None:
        """Waits while no further job may be taken."""
        while not self._is_letting_in:
            self._changed.clear()
            await self._changed.wait()

    def hold_nobody(self) -> None:
        """Ends the waits of intake for good: whoever drains has other ways to begin nothing."""
        self._holds = False
        self._changed.set()

    @property
    def _is_letting_in(self) -> bool:
        return not self._holds or all(gate.wants_opinion for gate in self._shut())

    # Of those who watch.

    @property
    def pauses(self) -> dict[ErrorCode, bool]:
        """Whether intake is paused, for each code that can be why."""
        reasons = {gate.error.code for gate in self._shut() if gate.error}
        return {code: code in reasons for code in OUTAGES}

    @property
    def outages(self) -> list[dict[str, object]]:
        """Those of now: what was said last, for how many seconds, how many calls wait."""
        return [
            {"code": gate.error.code, "error": gate.error.message, "model": model, "waiting": gate.waiting,
             "lasts_s": round(gate.lasts_s, 1)}
            for (_, model), gate in self._gates.items() if gate.error
        ]  # fmt: skip

    @property
    def counts(self) -> dict[ErrorCode, int]:
        """Outages that have begun, by code."""
        now = [gate.error.code for gate in self._gates.values() if gate.error]
        return {code: self._past.count[code] + now.count(code) for code in OUTAGES}

    @property
    def seconds(self) -> dict[ErrorCode, float]:
        """How long they lasted so far, by code."""
        totals = {code: self._past.seconds.get(code, 0.0) for code in OUTAGES}
        for gate in self._gates.values():
            if gate.error:
                totals[gate.error.code] += gate.lasts_s
        return totals

    async def _ask(self, call: Callable[[], Awaitable[T]], asks: Dependency | None) -> T:
        try:
            result = await call()
        except (PermanentError, TransientError, RecordRefusedError):
            if asks:
                self.answered(asks)
            raise
        if asks:
            self.answered(asks)
        return result

    async def _wait(self, visit: Visit, error: OutageError, action: str, gate: Gate, heed: Heed) -> None:
        visit.failures += 1
        if visit.gate not in {None, gate}:
            visit.leave()
        is_in_line = gate.close(visit, error)
        async with heed(), parked() as turn:
            if not is_in_line:
                await self._wait_alone(visit, error, action)
            elif await gate.turn(visit):
                turn.retake()  # who asks for all must not wait for a slot that one of them has

    async def _wait_alone(self, visit: Visit, error: OutageError, action: str) -> None:
        if not visit.is_alone:
            log.warning("job_waits_alone", action=action, code=error.code, error=error.message)
            visit.is_alone = True
        await self._waiting.sleep(round(pause_s(visit.failures, self._waiting.jitter()), 3))

    def _shut(self) -> Iterator[Gate]:
        return (gate for key, gate in self._gates.items() if gate.error and pauses_intake(*key))

    def _gate(self, dependency: Dependency, model: str | None) -> Gate:
        key = (dependency, model if dependency is Dependency.MODEL else None)
        if key not in self._gates:
            names = {"model": key[1]} if key[1] else {}
            self._gates[key] = Gate(self._waiting, self._past, self._changed.set, **names)
        return self._gates[key]
