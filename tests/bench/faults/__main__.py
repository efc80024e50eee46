"""The table of faults: `python -m tests.bench.faults [--only NAME,…] [--jobs 200] [--write] [--json]`.

Each fault meets a deployment of its own: topics, a bucket, and worker processes as an operator runs them, on a real
broker and a real store that this command starts. Exit code 1 when a promise did not hold in some row. The workers' log
lines of the latest run lie in `.cache/faults/NAME/`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tests.bench.faults import table
from tests.bench.faults.catalogue import FAULTS, Fault
from tests.bench.faults.ledger import Row
from tests.bench.faults.rows import Stage, play
from tests.bench.faults.services import services

_INTERRUPTED: Final = 130
_WIDE: Final = 180
"""Columns of a table that goes to a file."""
_LOGS: Final = table.ROOT / ".cache" / "faults"


def chosen(names: str) -> list[Fault]:
    """The faults of these names, with commas, in the table's order; all of them if none is named."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = [fault.name for fault in FAULTS]
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"no such fault: {', '.join(unknown)}; there are {', '.join(known)}")
    return [fault for fault in FAULTS if not wanted or fault.name in wanted]


async def run(faults: Sequence[Fault], stage: Stage, on_row: Callable[[Row], None]) -> list[Row]:
    """Plays one fault after the other, with a bar for each on a terminal."""
    rows = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for number, fault in enumerate(faults, start=1):
            bar = progress.add_task(f"{number}/{len(faults)} {fault.title}", total=stage.jobs)
            row = await play(fault, stage, partial(_advance, progress, bar))
            on_row(row)
            rows.append(row)
    return rows


def _advance(progress: Progress, bar: TaskID, ended: int, sent: int) -> None:
    progress.update(bar, completed=ended, total=sent)


def main(write: Callable[[str], object] = print) -> int:
    """Prints the table, or a row a line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.faults", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME,…", help="these faults; unset: all")
    parser.add_argument("--jobs", type=int, default=200, help="jobs under each fault (200)")
    parser.add_argument("--write", action="store_true", help="keep the figures, in tests/data and README.md")
    parser.add_argument("--json", action="store_true", help="print one document a row, as soon as it is there")
    parser.add_argument("--list", action="store_true", help="print the names of the faults")
    arguments = parser.parse_args()
    faults = chosen(arguments.only)
    if arguments.list:
        write("\n".join(f"{fault.name:24} {fault.title}" for fault in faults))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no worker is left behind
    logging.disable()  # what clients say of a broker that is away
    with services() as opened:
        stage = Stage(opened, arguments.jobs, Path(_LOGS))
        rows = asyncio.run(run(faults, stage, lambda row: _say(row, write, as_json=arguments.json)))
        setting = table.describe(opened)
    if not arguments.json:
        console = Console()
        console.print(table.on_screen(rows), width=console.width if console.is_terminal else _WIDE)
    if arguments.write:
        table.write(table.merged(table.read(), table.Figures(setting, rows), [fault.name for fault in FAULTS]))
    return 0 if all(row.holds for row in rows) else 1


def _say(row: Row, write: Callable[[str], object], *, as_json: bool) -> None:
    if as_json:
        write(json.dumps(asdict(row)))
    if not row.holds:
        sys.stderr.write(f"{row.fault}: {'; '.join(row.did_not_hold)} (log lines: {_LOGS / row.fault})\n")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
