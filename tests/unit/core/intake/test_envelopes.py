"""Which bytes are a request, and what is said of those that are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.intake.envelopes import read_record
from consumer.core.intake.readings import Faulty, IntakeRules, Reading, Wanted
from contracts.errors import ErrorCode
from tests.make import make_record

NAMES = [
    "Records",
    "eventName",
    "s3",
    "bucket",
    "object",
    "key",
    "name",
    "size",
    "eTag",
    "Event",
    "Key",
    "detail",
    "detail-type",
    "specversion",
    "id",
    "source",
    "type",
    "data",
    "data_base64",
    "input",
    "uri",
    "job_id",
]
Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=20,
)


def read(value: bytes | None) -> Reading:
    (reading,) = read_record(make_record(value), IntakeRules())
    return reading


def test_a_request_needs_nothing_but_its_input() -> None:
    reading = read(b'{"input": {"uri": "s3://media/a.mp3"}}')

    assert isinstance(reading, Wanted)
    assert reading.request.input.uri == "s3://media/a.mp3"
    assert reading.request.job_id is None
    assert reading.request.options.beam_size == 5


def test_a_byte_order_mark_before_a_request_is_passed_over() -> None:
    assert isinstance(read(b'\xef\xbb\xbf{"input": {"uri": "s3://media/a.mp3"}}'), Wanted)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "the record is empty"),
        (b"", "the record is empty"),
        (b"not json", "no JSON: expected ident"),
        (b"[]", "found an array"),
        (b"null", "found null"),
        (b"true", "found a boolean"),
        (b'"text"', "found a string"),
        (b"17.5", "found a number"),
        (b"{}", "found an empty object"),
        (b'{"a": 1, "b": 2}', "found an object with 'a', 'b'; expected"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"a":' * 100_000, "recursion limit"),
        (b'{"input": {"uri": "s3://media/\\ud800"}}', "no JSON"),
        (b'{"input": {"uri": "s3://media/a"}, "x": NaN}', "no JSON"),
        (b'{"input": {"uri": "s3://media/a"}, "input": {"uri": "s3://media/b"}}', "'input' stands twice"),
        (b'{"input": {"uri": "s3://media/a", "uri": "s3://media/b"}}', "'uri' stands twice"),
        (b'{"input": {"uri": "s3://media/a", "size_bytes": ' + b"9" * 5000 + b"}}", "number out of range"),
        (b'{"job_id": "x"}', "input: field required"),
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
    reading = read(value)

    assert isinstance(reading, Faulty)
    assert reading.error.code is ErrorCode.REQUEST_INVALID
    assert told in reading.error.message
    assert reading.record == make_record(value)


@pytest.mark.parametrize("value", [b"", b"nonsense", b"[]", b"{}", b'{"hello": 1}'])
def test_what_fits_no_envelope_is_told_which_there_are(value: bytes) -> None:
    reading = read(value)

    assert isinstance(reading, Faulty)
    for expected in ("'input.uri'", "CloudEvent", "S3 notification", "EventBridge"):
        assert expected in reading.error.message


def test_another_version_has_its_own_code() -> None:
    reading = read(b'{"schema_version": 2, "input": {"uri": "s3://media/a"}}')

    assert isinstance(reading, Faulty)
    assert reading.error.code is ErrorCode.REQUEST_UNSUPPORTED_VERSION
    assert "reads schema_version 1" in reading.error.message


def test_many_faults_are_counted_and_no_value_is_repeated() -> None:
    options = {"beam_size": 0, "temperature": [9], "initial_prompt": ["secret"], "hotwords": 1, "task": "sing"}
    reading = read(json.dumps({"input": {"uri": "s3://media/a"}, "options": options}).encode())

    assert isinstance(reading, Faulty)
    assert "and 3 more" in reading.error.message
    assert "secret" not in reading.error.message


@pytest.mark.parametrize("name", ["n" * 1_000_000, "\x00\n" * 100_000])
def test_a_huge_name_does_not_make_a_huge_message(name: str) -> None:
    for document in ({"input": {"uri": "s3://media/a"}, "options": {name: 1}}, {name: 1}, {"Records": {name: 1}}):
        reading = read(json.dumps(document).encode())
        assert isinstance(reading, Faulty)
        assert len(reading.error.message) < 600


@pytest.mark.parametrize(
    ("value", "job_id"),
    [
        (b'{"job_id": "call-1", "input": 3}', "call-1"),
        (b'{"job_id": "../x"}', None),
        (b'{"job_id": 7}', None),
        (b"[]", None),
        (b"nonsense", None),
        (None, None),
    ],
)
def test_the_job_id_of_a_faulty_request_is_kept_where_it_is_legible(value: bytes | None, job_id: str | None) -> None:
    reading = read(value)

    assert isinstance(reading, Faulty)
    assert reading.job_id == job_id


@given(value=st.binary() | Json.map(lambda document: json.dumps(document).encode()))
def test_whatever_a_record_holds_there_is_a_reading_of_it(value: bytes) -> None:
    assert read_record(make_record(value), IntakeRules())
