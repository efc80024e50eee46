"""How the doctor prints, and what needs no service."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from consumer.cli.doctor import line_of, sum_of, table_of
from consumer.cli.ending import run
from consumer.core.failures import ExitCode, FatalError
from consumer.doctor.findings import failed, ok, warning
from consumer.settings import Settings

FOUND = [("broker", ok("1 broker")), ("model [x]", warning("not\nhere", "fetch it")), ("scratch", failed("full"))]


def no_settings() -> Settings:
    raise FatalError(ExitCode.BAD_SETTINGS, "STENO_LOG__LEVL is not a setting\nSTENO_HEALTH__PORT: too large")


def test_bad_settings_end_it_as_they_end_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"], no_settings) == ExitCode.BAD_SETTINGS
    assert capsys.readouterr().err.splitlines()[0] == "steno: STENO_LOG__LEVL is not a setting"


def test_bad_settings_are_documents_among_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"], no_settings) == ExitCode.BAD_SETTINGS
    printed = capsys.readouterr()
    documents = [json.loads(line) for line in printed.out.splitlines()]
    assert [(each["check"], each["level"]) for each in documents] == [("settings", "failed")] * 2
    assert documents[1]["text"] == "STENO_HEALTH__PORT: too large"
    assert not printed.err


def test_misuse_is_exit_code_2() -> None:
    assert run(["doctor", "--loud"], no_settings) == ExitCode.MISUSE


def test_each_finding_is_one_line_with_what_to_do() -> None:
    lines = [line_of(name, finding) for name, finding in FOUND]
    assert lines[1] == r"warning  model [x]: not\nhere -> fetch it"
    assert lines[2] == "failed   scratch: full"
    assert sum_of(FOUND) == "1 failure, 1 warning, 1 ok"


@pytest.mark.parametrize("width", [60, 200])
def test_a_table_shows_every_finding_without_breaking_out_of_the_terminal(width: int) -> None:
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(table_of(FOUND))
    shown = capture.get()
    assert all(word in shown for word in ("broker", "warning", "fetch", "full"))
    assert all(len(line) <= width for line in shown.splitlines())
