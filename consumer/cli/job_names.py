"""How jobs are named on the command line: ids, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from contracts.requests import JOB_ID_PATTERN, TENANT_PATTERN

Result = TypeVar("Result")

_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_TENANT: Final = re.compile(TENANT_PATTERN)


def checked_ids(_ctx: click.Context, _param: click.Parameter, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Each id once, in order.

    Raises:
        click.UsageError: one is no job id.
    """
    for each in ids:
        if not _JOB_ID.fullmatch(each):
            raise click.UsageError(f"{each!r} is no job id: letters, digits, '.', '_' and '-', at most 128.")
    return tuple(dict.fromkeys(ids))


def checked_tenant(_ctx: click.Context, _param: click.Parameter, tenant: str | None) -> str | None:
    """The tenant as it is.

    Raises:
        click.BadParameter: no tenant can be called so.
    """
    if tenant is not None and not _TENANT.fullmatch(tenant):
        raise click.BadParameter(f"{tenant!r} is no tenant: letters, digits, '.', '_' and '-', at most 64.")
    return tenant


def named_jobs(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command its `job_ids`, one at least, and their `tenant`."""
    ids = click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID…", callback=checked_ids)
    return ids(tenant_flag("Whose jobs they are; unset: jobs of no tenant.")(command))


def tenant_flag(meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A flag that names a tenant."""
    return click.option("--tenant", callback=checked_tenant, help=meaning)
