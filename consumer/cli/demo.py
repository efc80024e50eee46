"""`steno demo`: the whole path on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli import SettingsLoader
from consumer.cli.suggestions import suggest_models
from consumer.core.failures import ExitCode
from consumer.demo.recordings import recordings
from consumer.demo.results import Result
from consumer.demo.run import Plan, Shown, asked_to_end, shown

_PLAIN_WIDTH: Final = 120
"""Columns where standard output is no terminal."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE…]")
@click.option(
    "--model", default="base", show_default=True, shell_complete=suggest_models,
    help="A model's name, or the path of its folder.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(".demo"), show_default=True,
    help="Folder for the result files.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave it up until Ctrl-C, and print how to use it by hand.")
@click.option("--json", "as_json", is_flag=True, help="Print one document a line instead of the table.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, files: Sequence[Path], model: str, out: Path, *, keep: bool, as_json: bool
) -> ExitCode:
    """Shows the path from an upload to a transcript, with FILE… or with recordings of its own.

    An S3 server and a Kafka broker run in memory, a worker beside them; nothing is left running at the end.
    """
    plan = Plan(
        files=tuple(file.absolute() for file in files) or recordings(),
        model=str(Path(model).expanduser().absolute()) if "/" in model else model,
        models_dir=load_settings().models.dir.absolute(),
        out=out.absolute(),
    )
    return asyncio.run(_show(plan, keep=keep, as_json=as_json))


async def _show(plan: Plan, *, keep: bool, as_json: bool) -> ExitCode:
    async with shown(plan, _say) as show:
        if as_json:
            click.echo("\n".join(result.line for result in show.results))
        else:
            console = Console()
            console = console if console.is_terminal else Console(width=_PLAIN_WIDTH)
            console.print(_table(show.results))
        _say(_summary(show, plan.out))
        if keep:
            click.echo("\n".join(show.exports), err=as_json)
            _say(
                "the services stay up: put these lines into a shell and try 'steno submit --wait FILE'; Ctrl-C ends it"
            )
            await asked_to_end()
    return ExitCode.FAILED if any(result.error for result in show.results) else ExitCode.OK


def _table(results: Sequence[Result]) -> Table:
    table = Table("file", "language")
    for name in ("audio s", "work s", "x real time"):
        table.add_column(name, justify="right")
    table.add_column("text", ratio=1, overflow="fold")
    for result in results:
        table.add_row(result.file.name, *_cells(result))
    return table


def _cells(result: Result) -> tuple[str | Text, ...]:
    if result.transcript is None:
        return "", "", "", "", Text(result.error or "", style="red")
    audio_s = result.transcript.duration
    speed = f"{audio_s / result.seconds:.1f}" if result.seconds else ""
    text = Text(result.transcript.text) if result.transcript.text else Text("(no speech)", style="dim")
    return result.transcript.language, f"{audio_s:.1f}", f"{result.seconds:.1f}", speed, text


def _summary(show: Shown, out: Path) -> str:
    audio_s = sum(result.transcript.duration for result in show.results if result.transcript)
    return (
        f"{audio_s:.0f} s of audio in {show.work_s:.1f} s, after {show.start_s:.1f} s of starting up; "
        f"result files and the worker's log are in {out}"
    )


def _say(text: str) -> None:
    click.echo(f"demo: {text}", err=True)
