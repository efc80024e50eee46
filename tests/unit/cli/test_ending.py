"""How commands end."""

from __future__ import annotations

import errno

import click
import pytest

from consumer.cli import COMMANDS, Entry, Extra, LazyGroup, steno
from consumer.cli.ending import run
from consumer.core.failures import ConsumerError, ExitCode, FatalError, PermanentError
from consumer.settings import LogSettings, Settings
from contracts import ErrorCode, __version__


def no_settings() -> Settings:
    raise FatalError(ExitCode.BAD_SETTINGS, "STENO_LOG__LEVL is not a setting\nSTENO_HEALTH__PORT: too large")


def failing_with(error: BaseException) -> click.Group:
    """A group like ours whose command `fail` raises this."""

    def fail() -> None:
        raise error

    return click.Group("steno", params=list(steno.params), commands=[click.Command("fail", callback=fail)])


def test_version_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"], no_settings) == 0
    assert capsys.readouterr().out == f"steno {__version__}\n"


def test_help_lists_every_command_whatever_the_settings_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], no_settings) == 0
    output = capsys.readouterr().out
    assert all(name in output and entry.summary.split()[0] in output for name, entry in COMMANDS.items())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "steno: Missing command. Try 'steno --help'."),
        (["sing"], "steno: No such command 'sing'. Try 'steno --help'."),
        (["--loud"], "steno: No such option '--loud'. Try 'steno --help'."),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, no_settings) == ExitCode.MISUSE
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{line}\n")


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (FatalError(ExitCode.TOPICS_MISSING, "no topics"), 72, "steno: no topics\n"),
        (FatalError(ExitCode.BAD_SETTINGS, "one\ntwo"), 78, "steno: one\nsteno: two\n"),
        (PermanentError(ErrorCode.MEDIA_NO_AUDIO, "no audio"), 1, "steno: no audio\n"),
        (ConsumerError("broken"), 1, "steno: broken\n"),
        (ExceptionGroup("", [ExceptionGroup("", [ConsumerError("broken")])]), 1, "steno: broken\n"),
        (ExceptionGroup("", [ConsumerError("first"), ConsumerError("second")]), 1, "steno: first\n"),
        (click.FileError("a.wav", "is a folder"), 2, "steno: Could not open file 'a.wav': is a folder\n"),
        (
            OSError(errno.EROFS, "Read-only file system", "out.txt"),
            1,
            "steno: cannot write: out.txt: Read-only file system\n",
        ),
        (KeyboardInterrupt(), 130, "\nsteno: interrupted\n"),
    ],
)
def test_an_expected_error_is_its_message_and_its_exit_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, lines: str
) -> None:
    assert run(["fail"], no_settings, failing_with(error)) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", lines)


def test_a_defect_in_a_group_is_not_hidden_by_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    errors = ExceptionGroup("", [ConsumerError("broken"), ZeroDivisionError("by nothing")])
    assert run(["fail"], no_settings, failing_with(errors)) == ExitCode.INTERNAL
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_defect_is_one_line_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fail"], no_settings, failing_with(ZeroDivisionError("by nothing"))) == ExitCode.INTERNAL
    assert capsys.readouterr().err == (
        "steno: a defect of steno: ZeroDivisionError: by nothing; 'steno --debug …' shows where\n"
    )


@pytest.mark.parametrize(
    ("arguments", "level"),
    [(["--debug", "fail"], "info"), (["fail"], "debug")],
)
def test_a_defect_shows_its_traceback_when_debugging(
    capsys: pytest.CaptureFixture[str], arguments: list[str], level: str
) -> None:
    settings = Settings(log=LogSettings.model_validate({"level": level}))
    assert run(arguments, lambda: settings, failing_with(ZeroDivisionError("by nothing"))) == ExitCode.INTERNAL
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_command_whose_extra_is_missing_says_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    group = LazyGroup(name="steno", entries={"sing": Entry("no.module", "Sings.", Extra("voice", ("no_such_module",)))})
    assert run(["sing"], no_settings, group) == ExitCode.UNAVAILABLE
    assert capsys.readouterr().err == (
        "steno: 'sing' needs more than the base install; run: pip install 'steno[voice]'\n"
    )


@pytest.mark.parametrize("name", [*COMMANDS])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"], no_settings) == 0
    assert capsys.readouterr().out.startswith(f"Usage: steno {name} ")
