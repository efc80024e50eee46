"""`steno dlq show`: everything of one dead letter."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import click

from consumer.cli import SettingsLoader
from consumer.cli.dlq_desk import desk_config, tell_gap
from consumer.cli.dlq_flags import json_flag, topic_flag
from consumer.cli.dlq_views import line_of_json, sheet, whole_document
from consumer.core.desk.places import Place, read_place
from consumer.core.failures import ExitCode, FatalError
from consumer.desk.opening import DeskConfig, open_desk
from consumer.desk.reading import Found


@click.command()
@click.argument("place")
@topic_flag
@click.option("--raw", "is_raw", is_flag=True, help="Write the value's bytes and nothing else.")
@json_flag
@click.pass_obj
def command(load_settings: SettingsLoader, /, place: str, topic: str | None, *, is_raw: bool, as_json: bool) -> None:
    """Shows the dead letter at PLACE, which is PARTITION/OFFSET as ls has it, or TOPIC/PARTITION/OFFSET.

    Query strings of URLs are masked: a presigned one opens its object. --raw masks nothing.
    """
    config = desk_config(load_settings(), topic)
    try:
        where = read_place(place, config.topic)
    except ValueError as exc:
        raise click.UsageError(f"{exc}.") from exc
    found = asyncio.run(_look(replace(config, topic=where.topic), where))
    if is_raw:
        sys.stdout.buffer.write(found.record.value or b"")
        return
    click.echo(line_of_json(whole_document(found)) if as_json else sheet(found))


async def _look(config: DeskConfig, place: Place) -> Found:
    async with open_desk(config, needs_journal=False) as desk:
        found = await desk.reading.at(place)
        tell_gap(desk)
    if found is None:
        raise FatalError(ExitCode.FAILED, f"there is no record at {place}; 'steno dlq ls --all' lists what there is")
    return found
