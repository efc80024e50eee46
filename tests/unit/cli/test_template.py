"""The flags of a request."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner, Result

from consumer.cli.template import request_template
from contracts import Options, OutputFormat, TranscriptionRequest


def invoke(*arguments: str) -> tuple[Result, list[TranscriptionRequest]]:
    seen: list[TranscriptionRequest] = []

    @click.command()
    @request_template
    def command(template: TranscriptionRequest) -> None:
        seen.append(template)

    return CliRunner().invoke(command, arguments), seen


def test_without_flags_the_contract_gives_every_default() -> None:
    _, [template] = invoke()
    assert template == TranscriptionRequest(input=template.input)


def test_flags_fill_the_whole_request() -> None:
    _, [template] = invoke(
        "--output-uri", "s3://out/calls/", "--formats", "srt, txt", "--job-id", "call-1", "--correlation-id", "c",
        "--tenant", "acme", "--deadline", "2130-01-01T01:00+01:00",
        "--metadata", "case=17", "--metadata", "note=a=b", "--language", "en",
    )  # fmt: skip
    assert template.output.uri == "s3://out/calls/"
    assert template.output.formats == (OutputFormat.SRT, OutputFormat.TXT)
    assert (template.job_id, template.tenant, template.correlation_id) == ("call-1", "acme", "c")
    assert template.deadline == datetime(2130, 1, 1, tzinfo=UTC)
    assert template.metadata == {"case": "17", "note": "a=b"}
    assert template.options == Options(language="en")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--output-uri", "out"], "--output-uri: expected s3://bucket/key."),
        (["--formats", "mp3"], "--formats: input should be 'json', 'srt', 'vtt', 'txt' or 'tsv'."),
        (["--job-id", "a b"], "--job-id: string should match pattern"),
        (["--tenant", "a/b"], "--tenant: string should match pattern"),
        (["--deadline", "soon"], "'--deadline': 'soon' is neither a time"),
        (["--deadline", "2020-01-01T00:00Z"], "'--deadline': '2020-01-01T00:00Z' is over already."),
        (["--metadata", "case"], "'--metadata': 'case' is not name=value."),
        (["--metadata", f"case={'x' * 9000}"], "metadata holds 9004 characters"),
        (["--language", "xx"], "--language: unknown language"),
    ],
)
def test_a_bad_value_is_misuse_and_names_its_flag(arguments: list[str], complaint: str) -> None:
    result, seen = invoke(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert not seen


def test_a_bad_format_is_one_fault() -> None:
    assert invoke("--formats", "mp3")[0].output.count("--formats") == 1
