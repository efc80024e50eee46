"""Seconds by stage of one piece of work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

STAGES: Final = ("lookup", "fetch", "decode", "wait", "engine", "write", "publish")
"""The stages of a job, in their order."""


class Stopwatch:
    """Adds up the time spent in named stages."""

    def __init__(self) -> None:
        """Starts the total."""
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the enclosed block, however it ends; repeated stages add up."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self.seconds(name) + time.perf_counter() - started

    def split(self, whole: str, part: str, seconds: float) -> None:
        """Says that so many of a stage's seconds belong to another one."""
        self._stages[whole] = max(self.seconds(whole) - seconds, 0.0)
        self._stages[part] = self.seconds(part) + seconds

    def seconds(self, name: str) -> float:
        """Seconds spent in a stage so far."""
        return self._stages.get(name, 0.0)

    @property
    def stages(self) -> dict[str, float]:
        """Seconds by stage so far."""
        return dict(self._stages)

    @property
    def total_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def fields(self) -> dict[str, float]:
        """All stages and the total, in seconds, as log fields."""
        stages = {f"{name}_s": round(seconds, 4) for name, seconds in self._stages.items()}
        return {**stages, "total_s": round(self.total_s, 4)}
