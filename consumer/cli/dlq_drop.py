"""`steno dlq drop`: dead letters that nobody wants to see any more."""

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
    """Notes dead letters as done with, and passes them over from then on.

    Without --yes it says what it would do, and asks on a terminal. The records stay on the topic until its retention
    ends: --all shows and replays them until then.
    """
    settings = load_settings()
    order = Order(Verb.DROP, parking=settings.topics.parking)
    return carry_out(Execution(desk_config(settings, topic), order, selection), how)
