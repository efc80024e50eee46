"""`steno submit`: media to requests, and with --wait to transcripts on standard output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import click

from consumer.cli import SettingsLoader
from consumer.cli.access import fatal
from consumer.cli.bars import Bars
from consumer.cli.following import following
from consumer.cli.output import Printer
from consumer.cli.submission import SCHEME, Submission
from consumer.cli.suggestions import suggest_files
from consumer.cli.template import request_template
from consumer.core.failures import ExitCode
from consumer.settings import Settings
from contracts.client import ClientConfig, ClientError, StenoClient
from contracts.requests import Input, OutputFormat, TranscriptionRequest


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="FILE|S3-URI…", shell_complete=suggest_files)
@request_template
@click.option("--wait", is_flag=True, help="Follow the jobs to their end and print the transcripts.")
@click.option(
    "--timeout-s", type=click.FloatRange(min=0, min_open=True), default=3600.0, show_default=True,
    help="With --wait: longest time for one job, in seconds.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one document a line, in the order of the inputs.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, inputs: Sequence[str], template: TranscriptionRequest,
    *, wait: bool, timeout_s: float, as_json: bool,
) -> ExitCode:  # fmt: skip
    """Uploads files, publishes a request for each input and prints the jobs' ids.

    An s3:// input is used where it is. With --wait the transcripts are printed instead.
    """
    if template.job_id and len(inputs) > 1:
        raise click.UsageError("--job-id names one job: give one input.")
    for source in inputs:
        _check(source)
    settings = load_settings()
    with Bars() as bars:
        printer = Printer.of(bars, inputs, OutputFormat.JSON if as_json else OutputFormat.TXT)
        if wait:
            return asyncio.run(_complete(settings, inputs, template, printer, timeout_s=timeout_s))
        return asyncio.run(_publish(settings, inputs, template, printer))


def client_config(settings: Settings) -> ClientConfig:
    """What the client library needs of the settings."""
    return ClientConfig(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        security=settings.kafka,
        requests_topic=settings.topics.requests,
        results_topic=settings.topics.results,
        progress_topic=settings.topics.progress,
        uploads_prefix=settings.s3.uploads,
    )


def _check(source: str) -> None:
    if source.startswith(SCHEME):
        try:
            Input(uri=source)
        except ValueError as exc:
            raise click.UsageError(
                f"{source}: expected s3://bucket/key with the key not longer than S3 takes."
            ) from exc


async def _publish(
    settings: Settings, inputs: Sequence[str], template: TranscriptionRequest, printer: Printer
) -> ExitCode:
    code = ExitCode.OK
    async with _client(settings) as client, asyncio.TaskGroup() as group:
        submission = Submission(client, template, printer.bars)
        for task in [group.create_task(submission.publish(source)) for source in inputs]:
            code = max(code, printer.receipt(await task))
    return code


async def _complete(
    settings: Settings, inputs: Sequence[str], template: TranscriptionRequest, printer: Printer, *, timeout_s: float
) -> ExitCode:
    code = ExitCode.OK
    async with _client(settings) as client, following(client.follow()) as follower, asyncio.TaskGroup() as group:
        submission = Submission(client, template, printer.bars)
        tasks = [group.create_task(submission.complete(each, follower, timeout_s=timeout_s)) for each in inputs]
        for source, task in zip(inputs, tasks, strict=True):
            code = max(code, printer.result(source, await task))
    return code


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[StenoClient]:
    try:
        async with StenoClient(client_config(settings)) as client:
            yield client
    except ClientError as exc:
        raise fatal(exc) from exc
