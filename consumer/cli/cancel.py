"""`steno cancel`: jobs that shall not run, or not go on."""

from __future__ import annotations

import asyncio
import getpass
import json
import socket
from collections.abc import Sequence

import click

from consumer.cli import SettingsLoader
from consumer.cli.job_names import named_jobs
from consumer.cli.job_views import sentence
from consumer.cli.lookup import Answer, answers
from consumer.cli.submit import client_config
from consumer.core.failures import ExitCode
from contracts.state import JobState

_MOST_CHARS = {"by": 256, "reason": 1024}


@click.command()
@named_jobs
@click.option("--reason", help="Told in the outcome; at most 1024 characters.")
@click.option("--json", "as_json", is_flag=True, help="Print one document a job, in the order of the ids.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, /, job_ids: Sequence[str], tenant: str | None, reason: str | None, *, as_json: bool
) -> ExitCode:
    """Asks the workers not to run jobs, or not to go on, and says how each is just now.

    A marker with your name is left in object storage, for a job that nothing is known of, too: it may be queued. A
    job that runs ends as cancelled within seconds, one that waits when its turn comes; 'steno status' or the outcome
    event tells. What has completed stays. A request that is sent again later runs. Exit code 0 when every marker is
    left or needless.
    """
    if reason is not None and len(reason) > _MOST_CHARS["reason"]:
        raise click.BadParameter("at most 1024 characters.", param_hint="'--reason'")
    config, by = client_config(load_settings()), _who()
    found = asyncio.run(
        answers(config, job_ids, lambda client, job_id: client.cancel(job_id, tenant=tenant, by=by, reason=reason))
    )
    for each in found:
        click.echo(_document(each, tenant) if as_json else f"{each.job_id}\t{_line(each)}")
    return ExitCode.OK


def _line(answer: Answer) -> str:
    job = answer.job
    if job is None:
        return "cancel requested; it is queued, or was never sent: object storage has nothing of it"
    if job.state is JobState.COMPLETED:
        return "completed already: nothing to cancel"
    if job.state.is_end:
        return f"{job.state} already; if it was sent again before now, that is cancelled"
    return f"cancel requested; it is {sentence(job)}"


def _document(answer: Answer, tenant: str | None) -> str:
    state = answer.job.state if answer.job else None
    is_requested = state is not JobState.COMPLETED
    found = {"job_id": answer.job_id, "tenant": tenant, "state": state, "cancel_requested": is_requested}
    return json.dumps(found)


def _who() -> str:
    """user@host, as far as known."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "?"
    return f"{user}@{socket.gethostname()}"[: _MOST_CHARS["by"]]
