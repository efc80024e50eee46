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
from typing import Any, ClassVar

SHIFT_S = "CLOCK_SHIFT_S"
_NANO = 10**9
_Right = dt.datetime


class _Likeness(type):
    """Takes real moments for its own."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Right)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _Right)


class _Shifted(dt.datetime, metaclass=_Likeness):
    """The same with another idea of now; what it makes is real."""

    offset: ClassVar[dt.timedelta]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _Right(*args, **kwargs)

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        return _Right.now(tz) + cls.offset

    @classmethod
    def utcnow(cls) -> Any:
        return _Right.now(dt.UTC).replace(tzinfo=None) + cls.offset

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: dt.tzinfo | None = None) -> Any:
        return _Right.fromtimestamp(timestamp, tz)

    @classmethod
    def fromisoformat(cls, text: str) -> Any:
        return _Right.fromisoformat(text)

    @classmethod
    def strptime(cls, text: str, form: str) -> Any:
        return _Right.strptime(text, form)

    @classmethod
    def combine(cls, *args: Any, **kwargs: Any) -> Any:
        return _Right.combine(*args, **kwargs)


def shift(seconds: float) -> None:
    """Sets this process's clock forward; back if negative."""
    right_time, right_time_ns = time.time, time.time_ns
    time.time = lambda: right_time() + seconds
    time.time_ns = lambda: right_time_ns() + round(seconds * _NANO)
    _Shifted.offset = dt.timedelta(seconds=seconds)
    dt.datetime = _Shifted  # type: ignore[misc]  # for whoever imports it from now on


def main() -> None:
    """Shifts the clock and becomes steno."""
    shift(float(os.environ[SHIFT_S]))
    sys.argv[0] = "steno"
    runpy.run_module("consumer", run_name="__main__")


if __name__ == "__main__":
    main()
