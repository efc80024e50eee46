"""`steno status`: how named jobs are, by what lies in object storage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import click

from consumer.cli import SettingsLoader
from consumer.cli.job_names import named_jobs
from consumer.cli.job_views import account
from consumer.cli.lookup import Answer, answers
from consumer.cli.output import Failure
from consumer.cli.submit import client_config
from consumer.core.failures import ExitCode
from contracts.state import JobState

UNKNOWN: Final = "JOB_UNKNOWN"
"""Stands beside the codes of jobs: the store has nothing of it."""
_NOTHING: Final = "queued, or never sent: object storage has nothing of it"
_WHOSE: Final = " (a tenant's job needs --tenant)"


@click.command()
@named_jobs
@click.option("--json", "as_json", is_flag=True, help="Print one document a job, in the order of the ids.")
@click.pass_obj
def command(load_settings: SettingsLoader, /, job_ids: Sequence[str], tenant: str | None, *, as_json: bool) -> ExitCode:
    """Tells how jobs are: whether each runs and where, waits for a retry, or how it ended.

    Object storage alone is asked, with the credentials of AWS_*; the broker is not. A job that waits for its first
    attempt has left nothing there yet. Exit code 1 when a job has failed or was cancelled, or nothing is known of it.
    """
    config = client_config(load_settings())
    found = asyncio.run(answers(config, job_ids, lambda client, job_id: client.status(job_id, tenant=tenant)))
    return _print(found, _NOTHING if tenant else f"{_NOTHING}{_WHOSE}", as_json=as_json)


def _print(found: Sequence[Answer], nothing: str, *, as_json: bool) -> ExitCode:
    code, gap = ExitCode.OK, ""
    for each in found:
        if each.job is None:
            failure = Failure(each.job_id, UNKNOWN, nothing)
            click.echo(failure.document if as_json else failure.line, err=not as_json)
        elif as_json:
            click.echo(each.job.model_dump_json())
        else:
            click.echo(f"{gap}{account(each.job)}")
            gap = "\n"
        if each.job is None or each.job.state in {JobState.FAILED, JobState.CANCELLED}:
            code = ExitCode.FAILED
    return code
