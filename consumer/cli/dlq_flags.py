"""The flags by which dead letters are selected, the same for every command of the desk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import click
from click.shell_completion import CompletionItem

from consumer.cli.moments import moment
from consumer.core.desk.places import read_range
from consumer.core.desk.selection import Selection
from contracts.errors import ErrorCode

Result = TypeVar("Result")

_MILLISECONDS: Final = 1000


def _suggest_codes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(code) for code in ErrorCode if code.startswith(incomplete)]


_FLAGS: Final = (
    click.option(
        "--code", "codes", multiple=True, metavar="CODE", shell_complete=_suggest_codes,
        help="Error code, or an exception's class; '-': none. May be repeated.",
    ),
    click.option("--older-than", type=moment, metavar="TIME", help="Set aside before: 1h, 2d ago, or an ISO time."),
    click.option("--newer-than", type=moment, metavar="TIME", help="Set aside since: 1h, 2d ago, or an ISO time."),
    click.option("--tenant", "tenants", multiple=True, metavar="NAME", help="Tenant; '-': none. May be repeated."),
    click.option("--job", "jobs", multiple=True, metavar="JOB_ID", help="Job; '-': none is legible. May be repeated."),
    click.option("--partition", "partitions", multiple=True, type=click.IntRange(min=0), help="May be repeated."),
    click.option("--offset", "offsets", metavar="RANGE,…", help="Offsets: 7, 7-12, 7- or -12."),
    click.option("--limit", type=click.IntRange(min=1), help="At most so many, the first by partition and offset."),
    click.option("--all", "takes_handled", is_flag=True, help="Also what was replayed, parked or dropped already."),
)  # fmt: skip

topic_flag = click.option("--topic", metavar="NAME", help="Another dead-letter topic than that of the settings.")
json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")


def selection_flags(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command these flags; it gets them as one valid `selection`."""

    @functools.wraps(command)
    def collect(*context: Any, **arguments: Any) -> Result:
        names = (
            "codes", "older_than", "newer_than", "tenants", "jobs", "partitions", "offsets", "limit", "takes_handled",
        )  # fmt: skip
        return command(*context, selection=_selection({name: arguments.pop(name) for name in names}), **arguments)

    return functools.reduce(lambda flagged, flag: flag(flagged), reversed(_FLAGS), collect)


def _selection(given: dict[str, Any]) -> Selection:
    since_ms, until_ms = _ms(given["newer_than"]), _ms(given["older_than"])
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise click.UsageError("--newer-than and --older-than leave no time between them.")
    return Selection(
        codes=frozenset(given["codes"]),
        tenants=frozenset(given["tenants"]),
        jobs=frozenset(given["jobs"]),
        partitions=frozenset(given["partitions"]),
        offsets=_offsets(given["offsets"]),
        since_ms=since_ms,
        until_ms=until_ms,
        limit=given["limit"],
        takes_handled=given["takes_handled"],
    )


def _offsets(text: str | None) -> tuple[range, ...]:
    try:
        return tuple(read_range(each.strip()) for each in text.split(",")) if text is not None else ()
    except ValueError as exc:
        raise click.UsageError(f"--offset: {exc}.") from exc


def _ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * _MILLISECONDS)
