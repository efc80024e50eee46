"""The flags of a whole request, apart from its input."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from consumer.cli.moments import later
from consumer.cli.options import request_options, split_commas, split_pair, validated
from consumer.cli.suggestions import suggest_formats
from contracts.requests import Input, Options, Output, OutputFormat, TranscriptionRequest

Result = TypeVar("Result")

_STAND_IN: Final = Input(uri="s3://media/not-known-yet")
_FLAGS: Final = (
    click.option("--output-uri", metavar="S3-URI", help="Prefix for the result set; else the worker's own."),
    click.option(
        "--formats", type=split_commas, metavar="VALUE,…", shell_complete=suggest_formats,
        help=f"Files to write, of {', '.join(OutputFormat)}; json is always written.",
    ),
    click.option("--job-id", help="Name of the job, for a single input; else a random one."),
    click.option("--tenant", help="On whose behalf; its job ids are its own."),
    click.option(
        "--deadline", type=later, metavar="TIME",
        help="End as cancelled what is not done by then: in 90s, 10m, 2h or 1d, or an ISO time.",
    ),
    click.option("--correlation-id", help="Echoed in events."),
    click.option(
        "--metadata", "metadata", type=split_pair, multiple=True, metavar="NAME=VALUE",
        help="Echoed in result and events; may be repeated.",
    ),
)  # fmt: skip


def request_template(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command the flags of a request; it gets one valid `template` whose input is a stand-in."""

    @functools.wraps(command)
    def collect(*context: Any, options: Options, output_uri: str | None, formats: Any, **arguments: Any) -> Result:
        output = validated(Output, {"uri": output_uri, "formats": formats}, {"uri": "--output-uri"})
        fields = {name: arguments.pop(name) for name in ("job_id", "tenant", "deadline", "correlation_id")}
        fields |= {"metadata": dict(arguments.pop("metadata")), "input": _STAND_IN}
        template = validated(TranscriptionRequest, {**fields, "output": output, "options": options})
        return command(*context, template=template, **arguments)

    return request_options(functools.reduce(lambda flagged, flag: flag(flagged), reversed(_FLAGS), collect))
