"""`steno watch`: what happens to jobs, as it happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import click
from rich.console import Console

from consumer.cli import SettingsLoader
from consumer.cli.access import fatal
from consumer.cli.board import Board
from consumer.cli.job_names import checked_ids, tenant_flag
from consumer.cli.moments import moment
from consumer.cli.printable import on_one_line
from consumer.cli.submit import client_config
from consumer.cli.views import Documents, Lines, Screen, View
from consumer.core.failures import ExitCode
from contracts.client import ClientConfig, ClientError, EventFeed, StenoClient
from contracts.events import Event, Kind, OutcomeEvent

_LOOKBACK: Final = timedelta(hours=1)
_STORE_ANSWERS_S: Final = 10.0
_MOST_CHARS: Final = 300
_EVER: Final = datetime.min.replace(tzinfo=UTC)


@click.command()
@click.argument("job_ids", nargs=-1, metavar="[JOB_ID…]", callback=checked_ids)
@tenant_flag("Only this tenant's jobs; unset: a JOB_ID names a job of no tenant.")
@click.option(
    "--since", type=moment, metavar="TIME", help="Begin with what happened since then: 10m, 2h, 1d ago, or an ISO time."
)
@click.option(
    "--timeout-s", type=click.FloatRange(min=0, min_open=True), help="Longest time in seconds; unset: until the end."
)
@click.option("--json", "as_json", is_flag=True, help="Print one document for each event.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, /, job_ids: Sequence[str], tenant: str | None, since: datetime | None,
    timeout_s: float | None, *, as_json: bool,
) -> ExitCode:  # fmt: skip
    """Follows jobs: progress and outcomes of all, or of each JOB_ID until it has ended.

    A table on a terminal, else a line for each event. Named jobs are looked for in the last hour, too, unless --since
    says otherwise, and in the object store; the last end of each counts. Exit code 1 when one of them has failed or
    has not ended in time. Without a JOB_ID it goes on until Ctrl-C or for --timeout-s.
    """
    config = client_config(load_settings())
    if since is None and job_ids:
        since = datetime.now(UTC) - _LOOKBACK
    with _passed_over(), _view(as_json=as_json) as view:
        return asyncio.run(_Watch(config, view, frozenset(job_ids), tenant).run(since, timeout_s))


class _Watch:
    """One run of the command."""

    def __init__(self, config: ClientConfig, view: View, job_ids: frozenset[str], tenant: str | None) -> None:
        self._config = config
        self._view = view
        self._job_ids = job_ids
        self._tenant = tenant
        self._board = Board()
        self._ends: dict[str, Kind] = {}

    async def run(self, since: datetime | None, timeout_s: float | None) -> ExitCode:
        try:
            async with asyncio.timeout(timeout_s):
                await self._follow(since)
        except TimeoutError:
            for job_id in sorted(self._open()):
                click.echo(f"steno: no end of job {job_id} after {timeout_s:g} s; is a worker up?", err=True)
        except ClientError as exc:
            raise fatal(exc) from exc
        is_well = not self._open() and all(kind is Kind.COMPLETED for kind in self._ends.values())
        return ExitCode.OK if is_well or not self._job_ids else ExitCode.FAILED

    async def _follow(self, since: datetime | None) -> None:
        async with EventFeed(self._config) as feed:
            if since is not None:
                await feed.rewind(since)
            while not await feed.is_caught_up():
                await self._hear_all(feed)
            await self._look_for_results()
            while self._open() or not self._job_ids:
                await self._hear_all(feed)

    async def _hear_all(self, feed: EventFeed) -> None:
        for event in sorted(filter(self._is_meant, await feed.poll()), key=_time):
            self._hear(event)

    def _hear(self, event: Event) -> None:
        row = self._board.hear(event)
        if row is None:
            return
        self._view.show(event, row, self._board.open.values())
        if row.outcome is None:
            self._ends.pop(row.job_id, None)  # it was submitted again
        else:
            self._ends[row.job_id] = row.outcome

    async def _look_for_results(self) -> None:
        """Takes named jobs that nothing was heard of for done where their manifest is there."""
        unheard = self._open() - {row.job_id for row in self._board.open.values()}
        if not unheard:
            return
        try:
            async with asyncio.timeout(_STORE_ANSWERS_S), StenoClient(self._config) as client:
                for job_id in sorted(unheard):
                    if (outcome := await client.find_outcome(job_id, tenant=self._tenant)) is not None:
                        self._hear(_event_of(outcome))
        except (ClientError, TimeoutError) as exc:
            why = str(exc) or f"no answer in {_STORE_ANSWERS_S:g} s"
            click.echo(on_one_line(f"steno: results are not looked for, events alone are followed: {why}"), err=True)

    def _open(self) -> frozenset[str]:
        """Named jobs whose end is not known."""
        return self._job_ids - self._ends.keys()

    def _is_meant(self, event: Event) -> bool:
        if not self._job_ids:
            return self._tenant in {None, event.data.tenant}
        # Bytes that held no job are nobody's, and what stood in them for a job id may be a tenant's.
        is_ours = event.data.tenant == self._tenant or event.data.input is None
        return is_ours and event.data.job_id in self._job_ids


def _event_of(outcome: OutcomeEvent) -> Event:
    """The outcome in a manifest as the event that told it; when that was is not known."""
    return Event(
        id=f"{outcome.tenant or '-'}/{outcome.job_id}/{outcome.outcome.value}/0", source="", type=outcome.outcome.type,
        time=None, subject=outcome.input, dataref=outcome.manifest, traceparent=None, tracestate=None, data=outcome,
    )  # fmt: skip


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
