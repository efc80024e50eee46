"""`steno dlq stats`: how many dead letters there are, of what kind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import click

from consumer.cli import SettingsLoader
from consumer.cli.dlq_desk import desk_config, tell_gap
from consumer.cli.dlq_flags import json_flag, selection_flags, topic_flag
from consumer.cli.dlq_views import age_of, counts_under, line_of_json
from consumer.core.desk.selection import Selection
from consumer.core.desk.tallies import Tally
from consumer.desk.opening import DeskConfig, open_desk


@click.command()
@topic_flag
@selection_flags
@json_flag
@click.pass_obj
def command(load_settings: SettingsLoader, /, topic: str | None, selection: Selection, *, as_json: bool) -> None:
    """Counts dead letters by code, tenant, age, and what was done with them.

    Codes, tenants and ages are those of what was not handled yet, unless --all.
    """
    config = desk_config(load_settings(), topic)
    tally, everything = asyncio.run(_count(config, selection))
    if as_json:
        kept = {name: everything.document[name] for name in ("total", "unhandled", "handled", "standings")}
        click.echo(line_of_json({"topic": config.topic, **tally.document, **kept}))
        return
    _print(config.topic, tally, everything)


async def _count(config: DeskConfig, selection: Selection) -> tuple[Tally, Tally]:
    """Of what is meant, and of everything that fits whether handled or not."""
    now = datetime.now(UTC)
    tally, everything = Tally(now), Tally(now)
    either = replace(selection, takes_handled=True)
    opening = open_desk(config, needs_journal=not selection.takes_handled)
    async with opening as desk, aclosing(desk.reading.select(either)) as found:
        async for each in found:
            everything.add(each.letter, each.standing, each.deed)
            if selection.takes_handled or not each.is_handled:
                tally.add(each.letter, each.standing, each.deed)
        tell_gap(desk)
    return tally, everything


def _print(topic: str, tally: Tally, everything: Tally) -> None:
    click.echo(f"{topic}: {everything.total} dead letters, {everything.total - everything.handled} not handled")
    if tally.oldest and tally.newest:
        ages = (age_of(tally.now - tally.newest), age_of(tally.now - tally.oldest))
        click.echo(f"set aside {ages[0]} to {ages[1]} ago, {tally.size_bytes} bytes")
    found = tally.document
    for title, counts in (
        ("by code", found["codes"]), ("by tenant", found["tenants"]), ("by age", found["ages"]),
        ("what was done", everything.document["standings"]),
    ):  # fmt: skip
        if counts:
            click.echo(counts_under(title, counts))
