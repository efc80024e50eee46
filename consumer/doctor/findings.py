"""What a check found: how it stands, in one line, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from consumer.core.failures import ConsumerError


class Level(StrEnum):
    """How something stands."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as it might; or it could not be checked."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    level: Level
    text: str
    advice: str = ""
    """What to do; empty where there is nothing to be done."""
    is_checked: bool = True
    """False where there was no way to look."""


def ok(text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, text)


def warning(text: str, advice: str = "") -> Finding:
    """It works, but."""
    return Finding(Level.WARNING, text, advice)


def unchecked(why: str, advice: str = "") -> Finding:
    """There was no way to look."""
    return Finding(Level.WARNING, f"not checked{why}", advice, is_checked=False)


def failed(text: str, advice: str = "") -> Finding:
    """It does not work."""
    return Finding(Level.FAILED, text, advice)


def failed_by(error: ConsumerError) -> Finding:
    """The finding of an error of ours, whose message ends with what to do, after a semicolon."""
    text, _, advice = " ".join(str(error).splitlines()).rpartition("; ")
    return failed(text, advice) if text else failed(advice)


def counted(count: int, noun: str) -> str:
    """`1 broker`, `3 brokers`, `no brokers`."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
