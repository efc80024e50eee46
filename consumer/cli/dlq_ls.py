"""`steno dlq ls`: dead letters, one on each line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli import SettingsLoader
from consumer.cli.dlq_desk import desk_config, tell_gap
from consumer.cli.dlq_flags import json_flag, selection_flags, topic_flag
from consumer.cli.dlq_views import COLUMNS, cells, document, line_of_json
from consumer.core.desk.selection import Selection
from consumer.desk.opening import DeskConfig, open_desk
from consumer.desk.reading import Found

_ROWS: Final = 200
"""So many are drawn at once: columns are as wide as these need, and memory stays bounded."""
_SILENT: Final = frozenset(("-", "0", "open"))
_NARROW: Final[Mapping[int, tuple[str, ...]]] = {120: ("origin",), 90: ("tenant", "attempts", "replays")}
"""What is left out below so many characters in a line."""


@click.command()
@topic_flag
@selection_flags
@json_flag
@click.pass_obj
def command(load_settings: SettingsLoader, /, topic: str | None, selection: Selection, *, as_json: bool) -> None:
    """Lists dead letters by partition and offset: place, age, code, job, tenant, attempts, replays, origin, message.

    A table on a terminal, else fields with tabs between them. Only what was not handled yet, unless --all.
    """
    asyncio.run(_list(desk_config(load_settings(), topic), selection, as_json=as_json))


async def _list(config: DeskConfig, selection: Selection, *, as_json: bool) -> None:
    console = Console()
    opening = open_desk(config, needs_journal=not selection.takes_handled)
    async with opening as desk, aclosing(desk.reading.select(selection)) as found:
        if as_json:
            await _each(found, lambda each: click.echo(line_of_json(document(each))))
        elif console.is_terminal:
            await _draw(console, found)
        else:
            now = datetime.now(UTC)
            await _each(found, lambda each: click.echo("\t".join(cells(each, now))))
        tell_gap(desk)


async def _each(found: AsyncIterator[Found], tell: Callable[[Found], None]) -> None:
    async for each in found:
        tell(each)


async def _draw(console: Console, found: AsyncIterator[Found]) -> None:
    now, rows, drawn = datetime.now(UTC), list[tuple[str, ...]](), 0
    async for each in found:
        rows.append(cells(each, now))
        if len(rows) == _ROWS:
            console.print(_table(rows, console.width))
            rows, drawn = [], drawn + _ROWS
    if rows:
        console.print(_table(rows, console.width))
    if not rows and not drawn:
        click.echo("steno: no dead letters that fit", err=True)


def _table(rows: list[tuple[str, ...]], width: int) -> Table:
    """One line each: columns that say nothing in any row are left out, and those that a narrow screen has no room for.

    What a message has no room for is cut; `show` tells it all.
    """
    dispensable = {name for below, names in _NARROW.items() if width < below for name in names}
    kept = [
        number
        for number, name in enumerate(COLUMNS)
        if name not in dispensable and any(row[number] not in _SILENT for row in rows)
    ]
    table = Table(box=None, pad_edge=False, header_style="italic")
    for number in kept:
        is_place = number == 0
        min_width = max(len(row[number]) for row in rows) if is_place else None
        table.add_column(COLUMNS[number], no_wrap=True, overflow="ellipsis", min_width=min_width)
    for row in rows:
        table.add_row(*(Text(row[number]) for number in kept))
    return table
