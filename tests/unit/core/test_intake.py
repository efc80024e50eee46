"""Which bytes are a request, and what is said of those that are none."""

from __future__ import annotations

import json

import pytest

from consumer.core.failures import PermanentError
from consumer.core.intake import parse_request, salvage_job_id
from contracts.errors import ErrorCode


def test_a_request_needs_nothing_but_its_input() -> None:
    request = parse_request(b'{"input": {"uri": "s3://media/a.mp3"}}')

    assert request.input.uri == "s3://media/a.mp3"
    assert request.job_id is None
    assert request.options.beam_size == 5


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"not json", "no request"),
        (b"[]", "no request"),
        (b"null", "no request"),
        (b'"text"', "no request"),
        (b"\xff\xfe", "no request"),
        (b"[" * 100_000, "no request"),
        (b"{}", "input: field required"),
        (b'{"input": {"uri": "http://x/y"}}', "input.uri: expected s3://bucket/key"),
        (b'{"input": {"uri": "s3://media/"}}', "names a bucket but no object"),
        (b'{"job_id": 7, "input": {"uri": "s3://media/a"}}', "job_id"),
        (b'{"job_id": "a/../b", "input": {"uri": "s3://media/a"}}', "job_id"),
        (b'{"input": {"uri": "s3://media/a"}, "options": {"beam_sise": 3}}', "options.beam_sise"),
        (b'{"input": {"uri": "s3://media/a"}, "options": {"language": "xx"}}', "unknown language"),
        (b'{"input": {"uri": "s3://media/a"}, "options": {"mode": "batched", "vad": false}}', "batched mode needs"),
    ],
)
def test_what_is_no_request_is_invalid_and_says_why(value: bytes | None, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as caught:
        parse_request(value)

    assert caught.value.code is ErrorCode.REQUEST_INVALID


def test_another_version_has_its_own_code() -> None:
    with pytest.raises(PermanentError, match="reads schema_version 1") as caught:
        parse_request(b'{"schema_version": 2, "input": {"uri": "s3://media/a"}}')

    assert caught.value.code is ErrorCode.REQUEST_UNSUPPORTED_VERSION


def test_many_faults_are_counted_and_no_value_is_repeated() -> None:
    options = {"beam_size": 0, "temperature": [9], "initial_prompt": ["secret"], "hotwords": 1, "task": "sing"}
    with pytest.raises(PermanentError, match=r"and \d more") as caught:
        parse_request(json.dumps({"input": {"uri": "s3://media/a"}, "options": options}).encode())

    assert "secret" not in caught.value.message


def test_a_huge_name_does_not_make_a_huge_message() -> None:
    options = {"n" * 1_000_000: 1, "beam_size": 0}
    with pytest.raises(PermanentError, match=r"options\.beam_size") as caught:
        parse_request(json.dumps({"input": {"uri": "s3://media/a"}, "options": options}).encode())

    assert f"options.{'n' * 64}:" in caught.value.message
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize(
    ("value", "job_id"),
    [
        (b'{"job_id": "call-1", "input": 3}', "call-1"),
        (b'{"job_id": "../x"}', None),
        (b'{"job_id": 7}', None),
        (b"[]", None),
        (b"nonsense", None),
        (None, None),
        (b"[" * 100_000, None),
    ],
)
def test_the_job_id_of_a_faulty_request_is_kept_where_it_is_legible(value: bytes | None, job_id: str | None) -> None:
    assert salvage_job_id(value) == job_id
