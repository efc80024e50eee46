"""Progress on a terminal, and none elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from consumer.cli.bars import Bars


def terminal() -> tuple[Console, io.StringIO]:
    screen = io.StringIO()
    return Console(file=screen, force_terminal=True, width=100, legacy_windows=False), screen


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars, bars.adding("a.wav") as bar:
        bar.advance(1.0, 2.0)
        bars.print("text")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("text\n", "")


def test_a_terminal_shows_each_input_with_its_seconds() -> None:
    console, screen = terminal()
    with Bars(console) as bars, bars.adding("a[1].wav") as bar:
        bar.say("uploading")
        bar.advance(30.4, 60.0)
        bars.refresh()
    assert "a[1].wav" in screen.getvalue()
    assert "30 of 60 s" in screen.getvalue()


def test_a_long_name_keeps_its_end() -> None:
    console, screen = terminal()
    with Bars(console) as bars, bars.adding("s3://media/" + "long/" * 30 + "last.wav"):
        bars.refresh()
    assert "…" in screen.getvalue()
    assert "last.wav" in screen.getvalue()
