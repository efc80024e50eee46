"""Progress on standard error: one bar for each input, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from consumer.cli.printable import on_one_line

_NAME_CHARS: Final = 40


class Bar:
    """One line of the display."""

    def __init__(self, progress: Progress, name: str) -> None:
        """Appears at once, its end still unknown."""
        name = on_one_line(name)
        shown = name if len(name) <= _NAME_CHARS else f"…{name[1 - _NAME_CHARS :]}"
        self._progress = progress
        self._task = progress.add_task(escape(shown), total=None, state="")

    def say(self, state: str) -> None:
        """Shows what is going on, in a word or two."""
        self._progress.update(self._task, state=escape(state))

    def advance(self, done: float, total: float, unit: str = "s") -> None:
        """Shows how much is done: seconds of audio, or something else."""
        self._progress.update(self._task, completed=done, total=total, state=f"{done:.0f} of {total:.0f} {unit}")

    def finish(self) -> None:
        """Takes the line away."""
        self._progress.update(self._task, visible=False)


class Bars:
    """The display; results printed through it never meet it on the screen."""

    def __init__(self, console: Console | None = None) -> None:
        """Draws nothing yet, and never anything unless the console, standard error by default, is a terminal."""
        console = console or Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(), console=console, disable=not console.is_terminal, transient=True,
            redirect_stdout=False,  # it would go to standard error
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Starts to draw."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the display away."""
        self._progress.stop()

    def add(self, name: str) -> Bar:
        """Adds a line."""
        return Bar(self._progress, name)

    @contextmanager
    def adding(self, name: str) -> Iterator[Bar]:
        """A line for as long as the enclosed block runs."""
        bar = self.add(name)
        try:
            yield bar
        finally:
            bar.finish()

    def refresh(self) -> None:
        """Draws now and not at the next tenth of a second."""
        self._progress.refresh()

    def print(self, text: str, *, err: bool = False) -> None:
        """Prints a line with the display out of the way."""
        self._progress.stop()
        click.echo(text, err=err)
        self._progress.start()
