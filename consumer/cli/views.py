"""How `steno watch` shows what it hears: a table on a terminal, lines or documents elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Protocol, Self

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from consumer.cli.board import Row
from consumer.cli.printable import on_one_line
from contracts.events import Event, Kind

_MOST_ROWS: Final = 20
_NARROW: Final = 50
_WIDE: Final = 90
"""Characters in a line of the terminal."""
_CHARS: Final = {"done": 4, "stage": 16, "speed": 8, "worker": 24}
"""Most characters of a column."""
_STYLES: Final = {Kind.COMPLETED: "green", Kind.FAILED: "red", Kind.CANCELLED: "yellow"}


class View(Protocol):
    """Shows events as they come. A context manager."""

    def __enter__(self) -> Self:
        """Begins."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the screen as it is to stay."""
        ...

    def show(self, event: Event, row: Row, under_way: Iterable[Row]) -> None:
        """One event, what it says of its job, and all jobs that are under way."""
        ...


class Lines:
    """A line for each event, on standard output: time, job, stage, share, speed, note; tabs between them."""

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to do."""

    def show(self, event: Event, row: Row, under_way: Iterable[Row]) -> None:  # noqa: ARG002 - the seam's
        """Prints the event."""
        click.echo("\t".join(_fields(row)))


class Documents(Lines):
    """A JSON document for each event: its CloudEvents attributes, and its value as `data`."""

    def show(self, event: Event, row: Row, under_way: Iterable[Row]) -> None:  # noqa: ARG002 - the seam's
        """Prints the event."""
        names = ("id", "source", "type", "subject", "dataref")
        time = {"time": event.time.isoformat() if event.time else None}
        document = {name: getattr(event, name) for name in names} | time | {"data": event.data.model_dump(mode="json")}
        click.echo(json.dumps(document, ensure_ascii=False))


class Screen:
    """Jobs under way as a table that is drawn anew, and above it a line for each that has ended."""

    def __init__(self, console: Console) -> None:
        """Draws nothing yet."""
        self._console = console
        self._live = Live(_drawn((), console.width), console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the table away."""
        self._live.stop()

    def show(self, event: Event, row: Row, under_way: Iterable[Row]) -> None:  # noqa: ARG002 - the seam's
        """Draws the table with the next refresh; a job that has ended gets its line at once."""
        if row.outcome is not None:
            self._console.print(Text("  ".join(filter(None, _fields(row))), _STYLES[row.outcome]), soft_wrap=True)
        self._live.update(_drawn(tuple(under_way), self._console.width))


def _fields(row: Row) -> tuple[str, ...]:
    time = row.time.isoformat(timespec="seconds") if row.time else ""
    return (time, on_one_line(row.job_id), row.stage, _share(row), _speed(row), on_one_line(row.note))


def _drawn(rows: tuple[Row, ...], width: int) -> Group:
    title = f"{len(rows)} jobs under way" if len(rows) != 1 else "1 job under way"
    head = Text(title, "italic", no_wrap=True, overflow="ellipsis")
    return Group(head, _table(rows[-_MOST_ROWS:], width)) if rows else Group(head)


def _table(rows: tuple[Row, ...], width: int) -> Table:
    table = Table(box=None, pad_edge=False)
    columns = _columns(width)
    table.add_column("job", no_wrap=True, overflow="ellipsis", max_width=max(width - _columns_chars(columns), 4))
    for name in columns[1:]:
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=_CHARS[name])
    for row in rows:
        cells = {
            "job": on_one_line(row.job_id), "done": _share(row), "stage": row.stage, "speed": _speed(row),
            "worker": on_one_line(row.note),
        }  # fmt: skip
        table.add_row(*(Text(cells[name]) for name in columns))
    return table


def _columns(width: int) -> tuple[str, ...]:
    """What there is room for, the most telling first."""
    if width < _NARROW:
        return ("job", "done")
    return ("job", "done", "stage", "speed") if width < _WIDE else ("job", "done", "stage", "speed", "worker")


def _columns_chars(columns: tuple[str, ...]) -> int:
    """Of all but the first, with the space before each."""
    return sum(_CHARS[name] + 2 for name in columns[1:])


def _share(row: Row) -> str:
    return "" if row.share is None else f"{row.share:.0%}"


def _speed(row: Row) -> str:
    return "" if row.speed is None else f"{row.speed:.1f}x"
