"""`steno dlq park`: dead letters out of the way, kept whole."""

from __future__ import annotations

import click

from consumer.cli import SettingsLoader
from consumer.cli.dlq_desk import desk_config
from consumer.cli.dlq_orders import How, carry_out, order_flags
from consumer.core.desk.orders import Order, Verb
from consumer.core.desk.selection import Selection
from consumer.core.failures import ExitCode
from consumer.desk.execution import Execution


@click.command()
@order_flags
@click.pass_obj
def command(load_settings: SettingsLoader, /, topic: str | None, selection: Selection, how: How) -> ExitCode:
    """Copies dead letters whole onto the parking topic (STENO_TOPICS__PARKING), and passes them over from then on.

    Without --yes it says what it would do, and asks on a terminal. --topic with the parking topic's name lists and
    replays what is there.
    """
    settings = load_settings()
    order = Order(Verb.PARK, parking=settings.topics.parking)
    return carry_out(Execution(desk_config(settings, topic), order, selection), how)
