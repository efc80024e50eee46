"""One wait for a job: what it has heard of it, and when that is its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from contracts.client.answers import is_answer, is_exact_answer
from contracts.client.jobs import JobHandle
from contracts.events import Event, OutcomeEvent, ProgressEvent

OnProgress = Callable[[ProgressEvent], None]
"""Told of each progress event of a job, once. An exception out of it ends that wait."""


@dataclass(slots=True, eq=False)
class Waiting:
    """Takes in events in any order and number; those that are no answer to the job's request mean nothing."""

    job: JobHandle
    ending: asyncio.Future[OutcomeEvent]
    on_progress: OnProgress | None
    _seen: set[tuple[str, str, str | None]] = field(default_factory=set)
    _last: Event[OutcomeEvent] | None = None

    def hear(self, event: Event) -> None:
        """Takes in one event."""
        told = (event.source, event.id, event.cause)
        if self.ending.done() or told in self._seen or not is_answer(self.job, event):
            return
        self._seen.add(told)
        match event.data:
            case OutcomeEvent():
                self._end(cast("Event[OutcomeEvent]", event))
            case ProgressEvent() as progress:
                self._go_on(event, progress)

    def settle(self) -> None:
        """To be called when all that was told so far was heard: of several ends the last one counts."""
        if self._last is not None and not self.ending.done():
            self.ending.set_result(self._last.data)

    def _end(self, event: Event[OutcomeEvent]) -> None:
        if self._last is None or not _is_before(event, self._last):
            self._last = event
        if is_exact_answer(self.job, event):
            self._last = event
            self.settle()

    def _go_on(self, event: Event, progress: ProgressEvent) -> None:
        if self._last is not None and self._last.data.error is not None and _is_before(self._last, event):
            self._last = None  # it had failed, and was submitted again
        if self.on_progress is None:
            return
        try:
            self.on_progress(progress)
        except Exception as exc:  # noqa: BLE001 - the caller's own error goes to that caller alone
            self.ending.set_exception(exc)


def _is_before(one: Event, other: Event) -> bool:
    return one.time is not None and other.time is not None and one.time < other.time
