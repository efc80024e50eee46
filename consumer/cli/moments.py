"""Moments on the command line: how long ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

_AGO: Final = re.compile(r"(\d{1,9})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """The time of `90s`, `10m`, `2h` or `1d` ago, or of ISO 8601; one without a zone is local.

    Raises:
        click.BadParameter: it is neither.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(
            f"{text!r} is neither a time such as 2030-01-31T09:00Z nor 10m, 2h or 1d ago."
        ) from exc
