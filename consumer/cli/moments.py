"""Moments on the command line: how long ago or in how long, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

_SPAN: Final = re.compile(r"(\d{1,9})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """The time of `90s`, `10m`, `2h` or `1d` ago, or of ISO 8601; one without a zone is local.

    Raises:
        click.BadParameter: it is neither.
    """
    try:
        return _read(text, -1)
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(
            f"{text!r} is neither a time such as 2030-01-31T09:00Z nor 10m, 2h or 1d ago."
        ) from exc


def later(text: str) -> datetime:
    """The time in `90s`, `10m`, `2h` or `1d`, or of ISO 8601; one without a zone is local.

    Raises:
        click.BadParameter: it is neither, or over.
    """
    try:
        found = _read(text, 1)
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(f"{text!r} is neither a time such as 2030-01-31T09:00Z nor in 10m, 2h or 1d.") from exc
    if found <= datetime.now(UTC):
        raise click.BadParameter(f"{text!r} is over already.")
    return found


def _read(text: str, direction: int) -> datetime:
    if span := _SPAN.fullmatch(text):
        return datetime.now(UTC) + direction * timedelta(**{_UNITS[span[2]]: int(span[1])})
    return datetime.fromisoformat(text).astimezone(UTC)
