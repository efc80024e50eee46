"""`steno watch`: what happens to jobs, as it happens."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import click
from rich.console import Console

from consumer.cli import SettingsLoader
from consumer.cli.access import fatal
from consumer.cli.board import Board
from consumer.cli.moments import moment
from consumer.cli.printable import on_one_line
from consumer.cli.submit import client_config
from consumer.cli.views import Documents, Lines, Screen, View
from consumer.core.failures import ExitCode
from contracts.client import ClientError, EventFeed
from contracts.events import Event, Kind
from contracts.requests import JOB_ID_PATTERN

_LOOKBACK: Final = timedelta(hours=1)
_MOST_CHARS: Final = 300
_EVER: Final = datetime.min.replace(tzinfo=UTC)


@click.command()
@click.argument("job_ids", nargs=-1, metavar="[JOB_ID…]")
@click.option(
    "--since", type=moment, metavar="TIME", help="Begin with what happened since then: 10m, 2h, 1d ago, or an ISO time."
)
@click.option("--tenant", help="Only this tenant's jobs.")
@click.option("--json", "as_json", is_flag=True, help="Print one document for each event.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, /, job_ids: Sequence[str], since: datetime | None, tenant: str | None,
    *, as_json: bool,
) -> ExitCode:  # fmt: skip
    """Follows jobs: progress and outcomes of all, or of each JOB_ID until it has ended.

    A table on a terminal, else a line for each event. Named jobs are looked for in the last hour, too, unless --since
    says otherwise; exit code 1 when one of them has failed. Without a JOB_ID it goes on until Ctrl-C.
    """
    for job_id in job_ids:
        if not re.fullmatch(JOB_ID_PATTERN, job_id):
            raise click.UsageError(f"{job_id!r} is no job id: letters, digits, '.', '_' and '-', at most 128.")
    config = client_config(load_settings())
    if since is None and job_ids:
        since = datetime.now(UTC) - _LOOKBACK
    with _passed_over(), _view(as_json=as_json) as view:
        return asyncio.run(_Watch(EventFeed(config), view, frozenset(job_ids), tenant).run(since))


class _Watch:
    """One run of the command."""

    def __init__(self, feed: EventFeed, view: View, job_ids: frozenset[str], tenant: str | None) -> None:
        self._feed = feed
        self._view = view
        self._job_ids = job_ids
        self._tenant = tenant
        self._board = Board()

    async def run(self, since: datetime | None) -> ExitCode:
        waiting, code = set(self._job_ids), ExitCode.OK
        try:
            async with self._feed as feed:
                if since is not None:
                    await feed.rewind(since)
                while waiting or not self._job_ids:
                    for event in sorted(filter(self._is_meant, await feed.poll()), key=_time):
                        outcome = self._hear(event)
                        if outcome is not None:
                            waiting.discard(event.data.job_id or "")
                            code = code if outcome is Kind.COMPLETED else ExitCode.FAILED
        except ClientError as exc:
            raise fatal(exc) from exc
        return code if self._job_ids else ExitCode.OK

    def _is_meant(self, event: Event) -> bool:
        is_named = not self._job_ids or event.data.job_id in self._job_ids
        return is_named and self._tenant in (None, event.data.tenant)

    def _hear(self, event: Event) -> Kind | None:
        row = self._board.hear(event)
        if row is None:
            return None
        self._view.show(event, row, self._board.open.values())
        return row.outcome


def _time(event: Event) -> datetime:
    return event.time or _EVER


def _view(*, as_json: bool) -> View:
    console = Console()
    if as_json:
        return Documents()
    return Screen(console) if console.is_terminal else Lines()


@contextmanager
def _passed_over() -> Iterator[None]:
    """Says once that there are records which this version cannot read: they may be of a newer one."""
    log, teller = logging.getLogger("contracts.client.feed"), _Teller(logging.WARNING)
    log.addHandler(teller)
    try:
        yield
    finally:
        log.removeHandler(teller)


class _Teller(logging.Handler):
    has_told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.has_told:
            self.has_told = True
            why = on_one_line(" ".join(record.getMessage().split()))[:_MOST_CHARS]
            click.echo(f"steno: passed over what this version cannot read; is steno up to date? ({why})", err=True)
