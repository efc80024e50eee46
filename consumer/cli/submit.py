"""`steno submit`: media to requests, and with --wait to transcripts on standard output."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypedDict, Unpack

import click

from consumer.cli import SettingsLoader
from consumer.cli.bars import Bars
from consumer.cli.entries import Entry, entries_in, entry_of
from consumer.cli.output import Failure, Printer
from consumer.cli.request_files import STANDARD_INPUT, passed_over, read_requests
from consumer.cli.submitting import Submitting
from consumer.cli.suggestions import suggest_files
from consumer.cli.template import request_template
from consumer.core.failures import ExitCode
from consumer.settings import Settings
from contracts.client import ClientConfig
from contracts.requests import OutputFormat, TranscriptionRequest


class _How(TypedDict):
    """Flags that are about the command, not about the requests."""

    wait: bool
    timeout_s: float
    as_json: bool


@click.command()
@click.argument("inputs", nargs=-1, metavar="FILE|FOLDER|S3-URI…", shell_complete=suggest_files)
@click.option(
    "--request", "files", multiple=True, metavar="FILE", shell_complete=suggest_files,
    help="Requests as JSON, one or one a line; '-': standard input. Flags go before what they say.",
)  # fmt: skip
@request_template
@click.option("--wait", is_flag=True, help="Follow the jobs to their end and print the transcripts.")
@click.option(
    "--timeout-s", type=click.FloatRange(min=0, min_open=True), default=3600.0, show_default=True,
    help="With --wait: longest time for one job, in seconds.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one document a line, in the order of the inputs.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, /, inputs: Sequence[str], files: Sequence[str], template: TranscriptionRequest,
    **how: Unpack[_How],
) -> ExitCode:  # fmt: skip
    """Uploads files, publishes a request for each input and prints the jobs' ids.

    A FOLDER stands for the media in it, a pattern in quotes ('calls/**/*.mp3') for the files that fit. An s3:// input
    is used where it is, and so are those of --request. What is named twice is submitted once. With --wait the
    transcripts are printed instead of the ids. Exit code 1 when an input failed; the others are done.
    """
    entries = _entries(inputs, files, template)
    settings = load_settings()
    with Bars() as bars:
        printer = Printer.of(bars, entries, OutputFormat.JSON if how["as_json"] else OutputFormat.TXT)
        if not any(isinstance(each, Entry) for each in entries):
            return max(printer.failure(each) for each in entries if isinstance(each, Failure))
        submitting = Submitting(client_config(settings), entries, printer)
        work = submitting.complete(timeout_s=how["timeout_s"]) if how["wait"] else submitting.publish()
        return asyncio.run(work)


def client_config(settings: Settings) -> ClientConfig:
    """What the client library needs of the settings."""
    return ClientConfig(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        security=settings.kafka,
        requests_topic=settings.topics.requests,
        results_topic=settings.topics.results,
        progress_topic=settings.topics.progress,
        uploads_prefix=settings.s3.uploads,
        results_prefix=settings.s3.results,
        state_prefix=settings.s3.state_prefix,
        addressing=settings.s3.addressing,
        encryption=settings.s3.encryption,
        kms_key_id=settings.s3.kms_key_id,
    )


def _entries(
    inputs: Sequence[str], files: Sequence[str], template: TranscriptionRequest
) -> tuple[Entry | Failure, ...]:
    if not inputs and not files:
        raise click.UsageError("Missing argument 'FILE|FOLDER|S3-URI…' or option '--request'.")
    if files.count(STANDARD_INPUT) > 1:
        raise click.UsageError("--request - is there twice, and standard input can be read once.")
    written = read_requests(files, template)
    entries = (*entries_in(inputs, template), *map(entry_of, written))
    if template.job_id and len({each.key for each in entries if isinstance(each, Entry)}) > 1:
        raise click.UsageError("--job-id names one job: give one input.")
    for line in passed_over(written):
        click.echo(f"steno: {line}", err=True)
    return entries
