"""Orders to the desk on the command line: what would be done, the question, what was done."""

from __future__ import annotations

import asyncio
import functools
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from consumer.cli.bars import Bars
from consumer.cli.dlq_flags import json_flag, selection_flags, topic_flag
from consumer.cli.dlq_views import counts_under, line_of_json
from consumer.cli.printable import on_one_line
from consumer.core.desk.entries import Deed
from consumer.core.desk.orders import Verb
from consumer.core.desk.reports import Report
from consumer.core.failures import ExitCode
from consumer.desk.execution import Execution, Survey

Result = TypeVar("Result")

_RATE: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(?:/([smh]))?")
_SLOWEST_PER_S: Final = 1 / 30
"""A claim is good for minutes; who waits longer between two records may as well run it again."""
_SECONDS: Final = {None: 1, "s": 1, "m": 60, "h": 3600}
_DEEDS: Final = {Verb.REPLAY: Deed.REPLAYED, Verb.PARK: Deed.PARKED, Verb.DROP: Deed.DROPPED}


@dataclass(frozen=True, slots=True)
class How:
    """The flags that every order has."""

    is_certain: bool
    is_rehearsal: bool
    rate_per_s: float | None
    as_json: bool

    @property
    def may_ask(self) -> bool:
        """Whether somebody is there to be asked."""
        return not (self.as_json or self.is_rehearsal) and sys.stdin.isatty() and sys.stderr.isatty()


def rate(text: str) -> float:
    """So many a second, from `50`, `50/s` or `600/m`.

    Raises:
        click.BadParameter: it is none.
    """
    found = _RATE.fullmatch(text)
    per_s = float(found[1]) / _SECONDS[found[2]] if found else 0.0
    if per_s < _SLOWEST_PER_S:
        raise click.BadParameter(f"{text!r} is no rate; write 50/s, 600/m or 1000/h; the slowest is 2/m.")
    return per_s


def order_flags(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command the flags of an order; it gets them as `topic`, `selection` and `how`."""

    @functools.wraps(command)
    def collect(*context: Any, **arguments: Any) -> Result:
        names = ("is_certain", "is_rehearsal", "rate_per_s", "as_json")
        how = How(**{name: arguments.pop(name) for name in names})
        if how.is_certain and how.is_rehearsal:
            raise click.UsageError("--yes does it and --dry-run does not: choose one.")
        return command(*context, how=how, **arguments)

    flags = (
        topic_flag,
        selection_flags,
        click.option("--rate", "rate_per_s", type=rate, metavar="N/s", help="At most so many: 50/s, 600/m."),
        click.option("--yes", "is_certain", is_flag=True, help="Do it without asking."),
        click.option("--dry-run", "is_rehearsal", is_flag=True, help="Only say what would be done."),
        json_flag,
    )
    return functools.reduce(lambda flagged, flag: flag(flagged), reversed(flags), collect)


def carry_out(execution: Execution, how: How) -> ExitCode:
    """Says what would be done, and does it where --yes or the answer to the question says so."""
    survey = asyncio.run(execution.survey())
    does_it = how.is_certain
    if not does_it:
        _tell(execution, survey.report, how, is_rehearsal=True)
        if how.may_ask and survey.report.done:
            does_it = click.confirm(f"{execution.order.verb.capitalize()} {survey.report.done}?", err=True)
    if not does_it:
        if not how.as_json and survey.report.done:
            click.echo("steno: nothing was done; --yes does it", err=True)
        return ExitCode.OK
    if not survey.report.done:
        _tell(execution, survey.report, how, is_rehearsal=False)
        return _code_of(survey.report)
    return _do(execution, survey, how)


def _do(execution: Execution, survey: Survey, how: How) -> ExitCode:
    reports: list[Report] = []
    started_s = time.monotonic()
    total = survey.report.done
    try:
        with Bars() as bars, bars.adding(execution.order.verb) as bar:
            work = execution.carry_out(
                survey, reports.append, rate_per_s=how.rate_per_s,
                on_done=lambda done: bar.advance(done, total, "records"),
            )  # fmt: skip
            is_complete = asyncio.run(work)
    except asyncio.CancelledError as exc:  # a second Ctrl-C
        raise click.Abort from exc
    finally:
        for report in reports:
            report.meant = max(report.meant, survey.report.meant)  # one that broke off has not met them all
            _tell(execution, report, how, is_rehearsal=False, elapsed_s=time.monotonic() - started_s)
    if not is_complete:
        raise click.Abort
    return _code_of(reports[0])


def _code_of(report: Report) -> ExitCode:
    return ExitCode.FAILED if report.obstacles or report.busy else ExitCode.OK


def _tell(
    execution: Execution, report: Report, how: How, *, is_rehearsal: bool, elapsed_s: float | None = None
) -> None:
    if how.as_json:
        elapsed = {} if elapsed_s is None else {"elapsed_s": round(elapsed_s, 3)}
        about = {"command": execution.order.verb, "topic": execution.config.topic, "is_dry_run": is_rehearsal}
        click.echo(line_of_json({**about, **report.document, **elapsed}))
        return
    click.echo(_headline(execution, report, is_rehearsal=is_rehearsal, elapsed_s=elapsed_s))
    if report.topics:
        click.echo(counts_under("onto", dict(report.topics)))
    if report.codes:
        click.echo(counts_under("by code", dict(report.codes.most_common())))
    for complaint in report.complaints:
        click.echo(on_one_line(f"steno: {complaint}"), err=True)


def _headline(execution: Execution, report: Report, *, is_rehearsal: bool, elapsed_s: float | None) -> str:
    done = ", ".join(f"{count} {deed}" for deed, count in report.deeds.items())
    nothing = f"0 {_DEEDS[execution.order.verb]}"
    would = "would be: " if is_rehearsal else ""
    took = "" if elapsed_s is None else f" in {elapsed_s:.1f} s"
    return f"{execution.config.topic}: {would}{done or nothing} of {report.meant} selected{took}"
