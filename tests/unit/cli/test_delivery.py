"""When transcripts are printed and when they are written."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from consumer.cli.delivery import DeliveryFlags, delivery_flags
from contracts.requests import OutputFormat


def given(*arguments: str) -> DeliveryFlags:
    taken: list[DeliveryFlags] = []

    @click.command()
    @delivery_flags
    def command(delivery: DeliveryFlags) -> None:
        taken.append(delivery)

    outcome = CliRunner().invoke(command, arguments, standalone_mode=False)
    if outcome.exception:
        raise outcome.exception
    return taken[0]


@pytest.mark.parametrize(
    ("arguments", "files", "folders"),
    [
        ([], False, True),
        (["--json"], False, True),
        (["--format", "srt"], False, False),
        (["--out", "x"], True, True),
        (["--formats", "srt"], True, True),
        (["--skip-existing"], True, True),
        (["--overwrite"], True, True),
    ],
)
def test_files_are_printed_and_folders_written_unless_said(arguments: list[str], *, files: bool, folders: bool) -> None:
    delivery = given(*arguments)
    assert delivery.writes_files(has_folders=False) is files
    assert delivery.writes_files(has_folders=True) is folders


@pytest.mark.parametrize(
    ("arguments", "form"),
    [([], OutputFormat.TXT), (["--format", "vtt"], OutputFormat.VTT), (["--json"], OutputFormat.JSON)],
)
def test_the_form_of_what_is_printed(arguments: list[str], form: OutputFormat) -> None:
    assert given(*arguments).form is form


def test_all_formats_are_written_unless_some_are_named() -> None:
    assert given().formats == tuple(OutputFormat)
    assert given("--formats", "srt, txt").formats == (OutputFormat.SRT, OutputFormat.TXT)


@pytest.mark.parametrize(
    "arguments",
    [["--formats", "doc"], ["--format", "doc"], ["--format", "srt", "--out", "x"], ["--format", "srt", "--overwrite"]],
)
def test_what_does_not_fit_is_misuse(arguments: list[str]) -> None:
    with pytest.raises(click.UsageError, match=r"--format|doc"):
        given(*arguments)
