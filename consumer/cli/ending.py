"""How a command ends: one clear line on standard error, and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Final

import click

from consumer.cli import SettingsLoader, steno
from consumer.core.failures import ConsumerError, ExitCode, FatalError

_INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells count."""


def run(arguments: Sequence[str], load_settings: SettingsLoader, group: click.Group = steno) -> int:
    """Runs one command line; returns its exit code and never raises."""
    try:
        code = group.main(list(arguments), "steno", standalone_mode=False, obj=load_settings)
        return int(code or ExitCode.OK)
    except SystemExit as exc:  # click's answer to a shell that asks for completions, and to a closed pipe
        return int(exc.code or ExitCode.OK)
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted", _INTERRUPTED)
    except Exception as exc:  # noqa: BLE001 - the last resort of a command line: no traceback at the user
        return _report(_cause(exc), lambda: "--debug" in arguments or _is_debugging(load_settings))


def _report(error: Exception, is_debugging: Callable[[], bool]) -> int:
    match error:
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "steno"
            return _say(f"{error.format_message()} Try '{command} --help'.", ExitCode.MISUSE)
        case click.ClickException():
            return _say(error.format_message(), ExitCode.MISUSE)
        case FatalError():
            return _say(error.message, error.exit_code)
        case ConsumerError():
            return _say(str(error), ExitCode.FAILED)
        case BrokenPipeError() | OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG | errno.EIO | errno.EROFS):
            return _report_unwritable(error)
    return _report_defect(error, shows_traceback=is_debugging())


def _report_defect(error: Exception, *, shows_traceback: bool) -> int:
    if shows_traceback:
        traceback.print_exception(error)
    hint = "" if shows_traceback else "; 'steno --debug …' shows where"
    return _say(f"a defect of steno: {type(error).__name__}: {error}{hint}", ExitCode.INTERNAL)


def _report_unwritable(error: OSError) -> int:
    _drop_output()
    if isinstance(error, BrokenPipeError):  # who reads has seen enough
        return ExitCode.FAILED
    where = f"{error.filename}: " if error.filename else ""
    return _say(f"cannot write: {where}{error.strerror}", ExitCode.FAILED)


def _drop_output() -> None:
    """Lets the interpreter flush into nothing at its end, or it would complain about what does not take it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _cause(error: Exception) -> Exception:
    """What to tell of an error that a task group raised: a defect before what was expected, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    causes = [_cause(each) for each in error.exceptions]
    return next((cause for cause in causes if not isinstance(cause, ConsumerError)), causes[0])


def _is_debugging(load_settings: SettingsLoader) -> bool:
    with contextlib.suppress(ConsumerError):
        return load_settings().log.level == "debug"
    return False


def _say(message: str, code: int) -> int:
    for line in message.splitlines() or [""]:
        click.echo(f"steno: {line}", err=True)
    return code
