"""Runs steno under a clock that is wrong by CLOCK_SHIFT_S seconds: `python -m tests.bench.faults.shifted_clock worker`.

Python's own clocks are shifted, which is what the worker, its signatures and its records go by. Its children, whose
environment is empty, keep the right time; nothing of theirs depends on it.
"""

from __future__ import annotations

import datetime as dt
import os
import runpy
import sys
import time
from typing import Any

SHIFT_S = "CLOCK_SHIFT_S"
_NANO = 10**9


def shift(seconds: float) -> None:
    """Sets this process's clock forward; back if negative."""
    right_time, right_time_ns, right = time.time, time.time_ns, dt.datetime
    offset = dt.timedelta(seconds=seconds)

    class Likeness(type):
        """Takes real moments for its own."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, right)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, right)

    class Shifted(right, metaclass=Likeness):  # type: ignore[misc, valid-type]  # a class of this very moment
        """The same with another idea of now; what it makes is real."""

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return right(*args, **kwargs)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return right.now(tz) + offset

        @classmethod
        def utcnow(cls) -> Any:
            return right.now(dt.UTC).replace(tzinfo=None) + offset

        @classmethod
        def fromtimestamp(cls, timestamp: float, tz: dt.tzinfo | None = None) -> Any:
            return right.fromtimestamp(timestamp, tz)

        @classmethod
        def fromisoformat(cls, text: str) -> Any:
            return right.fromisoformat(text)

        @classmethod
        def strptime(cls, text: str, form: str) -> Any:
            return right.strptime(text, form)

        @classmethod
        def combine(cls, *args: Any, **kwargs: Any) -> Any:
            return right.combine(*args, **kwargs)

    time.time = lambda: right_time() + seconds
    time.time_ns = lambda: right_time_ns() + round(seconds * _NANO)
    dt.datetime = Shifted  # type: ignore[misc]  # for whoever imports it from now on


def main() -> None:
    """Shifts the clock and becomes steno."""
    shift(float(os.environ[SHIFT_S]))
    sys.argv[0] = "steno"
    runpy.run_module("consumer", run_name="__main__")


if __name__ == "__main__":
    main()
