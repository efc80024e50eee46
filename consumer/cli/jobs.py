"""`steno jobs`: what lies in object storage about jobs, newest first."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import click
from rich.console import Console

from consumer.cli import SettingsLoader
from consumer.cli.bars import Bars
from consumer.cli.job_names import checked_tenant
from consumer.cli.job_views import line, table
from consumer.cli.lookup import store_client
from consumer.cli.moments import moment
from consumer.cli.submit import client_config
from consumer.core.failures import ExitCode
from contracts.client import ClientConfig
from contracts.state import NO_TENANT, JobState, JobStatus

_MANY: Final = 100
"""Jobs shown unless asked for more."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    tenant: str | None
    state: JobState | None
    since: datetime | None
    limit: int


def _tenant_or_none(ctx: click.Context, param: click.Parameter, tenant: str | None) -> str | None:
    return tenant if tenant == NO_TENANT else checked_tenant(ctx, param, tenant)


@click.command()
@click.option("--tenant", callback=_tenant_or_none, help="Only this tenant's; '-': only those of no tenant.")
@click.option("--state", type=click.Choice([each.value for each in JobState]), help="Only those that are so.")
@click.option(
    "--since", type=moment, metavar="TIME", help="Only what was heard of since then: 10m, 2h, 1d ago, or an ISO time."
)
@click.option("--limit", type=click.IntRange(min=1), default=_MANY, show_default=True, help="The newest, so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one document a job.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, /, tenant: str | None, state: str | None, since: datetime | None, limit: int,
    *, as_json: bool,
) -> ExitCode:  # fmt: skip
    """Lists jobs, newest first: those that run, wait for a retry, or have ended.

    Object storage alone is asked, with the credentials of AWS_*; the broker is not. Jobs that wait for their first
    attempt have left nothing there yet. A table on a terminal, else a line a job with tabs between: updated, job,
    tenant, state, attempt, note.
    """
    wanted = _Wanted(tenant, JobState(state) if state else None, since, limit)
    found, has_more = asyncio.run(_listed(client_config(load_settings()), wanted))
    _print(found, as_json=as_json)
    if has_more:
        click.echo(f"steno: there are more than the newest {limit}; see --limit, --since and --state", err=True)
    return ExitCode.OK


async def _listed(config: ClientConfig, wanted: _Wanted) -> tuple[list[JobStatus], bool]:
    """The jobs, and whether there are more."""
    found: list[JobStatus] = []
    with Bars() as bars, bars.adding("looking through object storage") as bar:
        async with store_client(config) as client:
            jobs = client.jobs(
                tenant=wanted.tenant, state=wanted.state, since=wanted.since,
                on_listed=lambda count: bar.say(f"{count} objects"),
            )  # fmt: skip
            async with aclosing(jobs):
                async for job in jobs:
                    if len(found) == wanted.limit:
                        return found, True
                    found.append(job)
                    bar.say(f"{len(found)} jobs")
    return found, False


def _print(found: list[JobStatus], *, as_json: bool) -> None:
    console = Console()
    if as_json or not console.is_terminal:
        for job in found:
            click.echo(job.model_dump_json() if as_json else line(job))
        return
    console.print(table(found, width=console.width, now=datetime.now(UTC)))
