"""`steno doctor`: whether a worker or a client could do its work here."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli import WORKER, SettingsLoader
from consumer.cli.bars import Bars
from consumer.cli.effective import notices
from consumer.cli.printable import on_one_line
from consumer.core.failures import ExitCode, FatalError
from consumer.doctor.examination import examine
from consumer.doctor.findings import Finding, Level, counted, failed, ok, warning
from consumer.doctor.plan import planned
from consumer.dotfile import read_values
from consumer.settings import LogLevel, Settings

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILED: "bold red"}
_SETTINGS: Final = "settings"
_TABLE_COLUMNS: Final = 60
"""On a narrower terminal lines that break anywhere are easier to read."""

Found = tuple[str, Finding]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one document a check.")
@click.pass_obj
def command(load_settings: SettingsLoader, *, as_json: bool) -> ExitCode:
    """Looks whether a worker could work here: settings, broker, store, models, device, sandbox, disk, clock.

    Each finding is ok, a warning or failed, and says what to do. Nothing is changed; one object stays, `probe` under
    STENO_S3__STATE, as after a worker's start. Exit code 0 when nothing failed, 1 when something did, 78 when the
    settings cannot be read.
    """
    try:
        settings = load_settings()
    except FatalError as error:
        if as_json:
            for line in error.message.splitlines():
                click.echo(_document((_SETTINGS, failed(line))))
            return error.exit_code
        raise
    if WORKER.is_installed:
        from consumer.adapters.telemetry import configure_logging  # noqa: PLC0415 - its imports want the extra

        configure_logging(as_json=False, level=LogLevel.ERROR)
    found = asyncio.run(_examined(settings, as_json=as_json))
    if not as_json:
        _print(found)
    return ExitCode.FAILED if any(finding.level is Level.FAILED for _, finding in found) else ExitCode.OK


async def _examined(settings: Settings, *, as_json: bool) -> list[Found]:
    """Every finding, printed as a document as soon as it is there if that is wanted."""
    found = []
    with Bars() as bars, bars.adding("looking") as bar:
        for each in _about_settings():
            found.append(each)
            if as_json:
                bars.print(_document(each))
        async with planned(settings, is_worker=WORKER.is_installed) as checks:
            async for check, finding in examine(checks):
                found.append((check.name, finding))
                bar.advance(len(found), len(checks) + 1, "checks")
                if as_json:
                    bars.print(_document(found[-1]))
    return found


def _about_settings() -> Iterator[Found]:
    if told := list(notices(os.environ, read_values())):
        yield _SETTINGS, warning("; ".join(told), "'steno config check' shows what is in force")
    else:
        yield _SETTINGS, ok("valid; 'steno config check' shows them")


def _document(found: Found) -> str:
    name, finding = found
    return json.dumps({"check": name, **asdict(finding)})


def _print(found: Sequence[Found]) -> None:
    console = Console()
    if console.is_terminal and console.width >= _TABLE_COLUMNS:
        console.print(table_of(found))
    else:
        for name, finding in found:
            click.echo(line_of(name, finding))
    click.echo(sum_of(found))


def table_of(found: Sequence[Found]) -> Table:
    """The findings for a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("check", ratio=1)
    table.add_column("finding", ratio=3)
    for name, finding in found:
        said = Text(on_one_line(finding.text))
        if finding.advice:
            said.append(f"\n→ {on_one_line(finding.advice)}", style="italic")
        table.add_row(Text(finding.level, style=_STYLES[finding.level]), Text(on_one_line(name)), said)
    return table


def line_of(name: str, finding: Finding) -> str:
    """One finding for a file or a pipe."""
    advice = f" -> {finding.advice}" if finding.advice else ""
    return on_one_line(f"{finding.level:7}  {name}: {finding.text}{advice}")


def sum_of(found: Sequence[Found]) -> str:
    """How many of each level."""
    count = {level: sum(finding.level is level for _, finding in found) for level in Level}
    return (
        f"{counted(count[Level.FAILED], 'failure')}, {counted(count[Level.WARNING], 'warning')}, {count[Level.OK]} ok"
    )
