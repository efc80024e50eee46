"""Requests that point elsewhere or are too large are refused before any call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumer.core.admission import AdmissionRules, check_admission
from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode
from tests.make import make_a_job

OPEN = AdmissionRules((), ("s3://transcripts/",), "s3://transcripts/.steno/", max_bytes=100)
NARROW = AdmissionRules(("s3://media/calls/",), ("s3://transcripts/",), "s3://transcripts/.steno/", max_bytes=100)


@pytest.mark.parametrize("rules", [OPEN, NARROW])
def test_what_is_allowed_passes(rules: AdmissionRules) -> None:
    job = make_a_job(input={"uri": "s3://media/calls/1.mp3", "size_bytes": 100})

    check_admission(job, rules)

    assert job.request.input.size_bytes == rules.max_bytes


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"input": {"uri": "s3://media/callsign/1.mp3"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"input": {"uri": "s3://media/calls"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"input": {"uri": "s3://transcripts/.steno"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"output": {"uri": "s3://other/"}}, ErrorCode.OUTPUT_FORBIDDEN),
        ({"output": {"uri": "s3://transcripts/.steno/"}}, ErrorCode.OUTPUT_FORBIDDEN),
        ({"output": {"uri": "s3://transcripts/.steno/x"}}, ErrorCode.OUTPUT_FORBIDDEN),
        ({"input": {"uri": "s3://transcripts/.steno/probe"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"input": {"uri": "s3://transcripts//.steno/probe"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"input": {"uri": "s3://media/calls/../secret/1.mp3"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"input": {"uri": "s3://media/Calls/1.mp3"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"input": {"uri": "s3://media/1.mp3"}}, ErrorCode.INPUT_FORBIDDEN),
        ({"output": {"uri": "s3://transcripts-of-others/"}}, ErrorCode.OUTPUT_FORBIDDEN),
        ({"input": {"uri": "s3://media/calls/1.mp3", "size_bytes": 101}}, ErrorCode.INPUT_TOO_LARGE),
        ({"output": {"uri": "s3://transcripts/" + "d/" * 505}}, ErrorCode.REQUEST_INVALID),
    ],
)
def test_what_is_not_allowed_has_its_code(fields: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(PermanentError) as caught:
        check_admission(make_a_job(**fields), NARROW)

    assert caught.value.code is code


@pytest.mark.parametrize("uri", ["s3://transcripts/team", "s3://transcripts/team/"])
def test_results_may_go_to_the_very_prefix_that_is_allowed(uri: str) -> None:
    job = make_a_job(output={"uri": uri})
    check_admission(job, replace(OPEN, allowed_outputs=("s3://transcripts/team/",)))
    assert job.output_uri == "s3://transcripts/team/"


@pytest.mark.parametrize("uri", ["s3://transcripts//.steno/probe", "s3://transcripts/./.steno/probe"])
def test_state_is_not_read_under_another_spelling_where_all_inputs_are_allowed(uri: str) -> None:
    with pytest.raises(PermanentError, match="state") as caught:
        check_admission(make_a_job(input={"uri": uri}), OPEN)

    assert caught.value.code is ErrorCode.INPUT_FORBIDDEN
