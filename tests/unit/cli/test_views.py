"""What `steno watch` shows."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from consumer.cli.board import Board
from consumer.cli.views import Documents, Lines, Screen, View
from contracts.events import Event, Kind
from tests.unit.cli.test_board import outcome, progress


def shown(view: View, *events: Event) -> None:
    board = Board()
    with view:
        for event in events:
            row = board.hear(event)
            assert row
            view.show(event, row, board.open.values())


def drawn(width: int, *events: Event) -> str:
    out = io.StringIO()
    shown(Screen(Console(file=out, force_terminal=True, width=width, height=30, legacy_windows=False)), *events)
    return out.getvalue()


def test_a_line_has_its_fields_between_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Lines(), progress(0, done_s=1.0, audio_s=3.0), outcome(2, Kind.FAILED))
    first, second = capsys.readouterr().out.splitlines()
    assert first.split("\t")[1:] == ["a", "transcribing", "33%", "", "gpu-3"]
    assert second.split("\t")[1:] == ["a", "failed", "", "", "MEDIA_CORRUPT: it is"]


def test_a_name_that_would_break_the_line_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Lines(), outcome(0, job_id="a\nb\tc\x1b[2J"))
    assert capsys.readouterr().out.count("\n") == 1


def test_a_document_is_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Documents(), progress(0, done_s=1.0, audio_s=3.0))
    document = json.loads(capsys.readouterr().out)
    assert (document["subject"], document["data"]["done_s"], document["data"]["kind"]) == (
        "s3://media/a.wav",
        1.0,
        "progress",
    )


def test_a_screen_has_a_row_for_each_job_under_way_and_a_line_for_each_end() -> None:
    text = drawn(100, progress(0, "long", done_s=1.0, audio_s=4.0), progress(1, done_s=1.0, audio_s=2.0), outcome(2))
    assert "2 jobs under way" in text or "1 job under way" in text
    assert "25%" in text
    assert "completed" in text


@pytest.mark.parametrize("width", [20, 50, 90])
def test_the_share_that_is_done_is_seen_on_any_terminal(width: int) -> None:
    events = [progress(number, f"job-{number}-{'x' * 60}", done_s=1.0, audio_s=2.0) for number in range(50)]
    text = drawn(width, *events)
    assert "50 jobs under way" in text
    assert text.count("50%") >= 20
