"""`steno dlq replay`: dead letters back onto the topic that they came from."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict, Unpack

import click

from consumer.cli import SettingsLoader
from consumer.cli.dlq_desk import desk_config
from consumer.cli.dlq_orders import How, carry_out, order_flags
from consumer.core.desk.orders import Order, Verb
from consumer.core.desk.selection import Selection
from consumer.core.failures import ExitCode
from consumer.desk.execution import Execution

_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class _Flags(TypedDict):
    """What is said of replays alone."""

    to: str | None
    max_replays: int | None
    time_left: timedelta | None


def span(text: str) -> timedelta:
    """A length of time: `90s`, `10m`, `2h` or `1d`.

    Raises:
        click.BadParameter: it is none.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no length of time such as 10m, 2h or 1d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@order_flags
@click.option("--to", metavar="TOPIC", help="Replay onto this topic instead of each record's own.")
@click.option(
    "--max-replays", type=click.IntRange(min=0), help="Park what was replayed so often; unset: STENO_DLQ__MAX_REPLAYS."
)
@click.option(
    "--extend-deadline", "time_left", type=span, metavar="TIME",
    help="Give requests whose deadline ends before it this much time from now: 2h, 1d.",
)  # fmt: skip
@click.pass_obj
def command(
    load_settings: SettingsLoader, /, topic: str | None, selection: Selection, how: How, **flags: Unpack[_Flags]
) -> ExitCode:
    """Sends dead letters again, as their producer sent them, onto the topic that they came from.

    Without --yes it says what it would do, and asks on a terminal. Key, value and headers are restored; what tells of
    the failure is taken out, and x-steno-replay-count grows. Each record is replayed once, whoever runs this where
    and how often; --all replays once more. Exit code 1 when some could not be replayed.
    """
    settings = load_settings()
    time_left = flags["time_left"]
    order = Order(
        Verb.REPLAY,
        parking=settings.topics.parking,
        to=flags["to"],
        max_replays=settings.dlq.max_replays if flags["max_replays"] is None else flags["max_replays"],
        deadline=None if time_left is None else datetime.now(UTC) + time_left,
    )
    return carry_out(Execution(desk_config(settings, topic), order, selection), how)
