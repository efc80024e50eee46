"""A result set is a pure function of the transcript's bytes."""

from __future__ import annotations

import hashlib
import json

import pytest

from consumer.core.failures import PermanentError
from consumer.core.resultset import check_transcript, derive_result_set, read_manifest
from contracts.errors import ErrorCode
from contracts.events import Kind
from contracts.transcript import Manifest
from tests.make import make_a_job, make_transcript

BODY = make_transcript().model_dump_json().encode()


def test_all_files_of_the_request_are_written_beside_the_transcript() -> None:
    result_set = derive_result_set(BODY)

    assert [file.uri for file in result_set.outputs] == [
        f"s3://transcripts/call-4711/transcript.{name}" for name in ("srt", "vtt", "txt", "tsv")
    ]
    assert result_set.manifest.uri == "s3://transcripts/call-4711/manifest.json"


def test_only_the_formats_asked_for_are_written_each_once() -> None:
    job = make_a_job(output={"formats": ["txt", "json", "txt"]})
    outputs = derive_result_set(make_transcript(job=job).model_dump_json().encode()).outputs

    assert [file.uri.rpartition("/")[2] for file in outputs] == ["transcript.txt"]


def test_the_manifest_lists_every_file_with_its_hash_and_the_outcome_verbatim() -> None:
    result_set = derive_result_set(BODY)
    manifest = Manifest.model_validate_json(result_set.manifest.body)

    assert manifest.files[0].key == "call-4711/transcript.json"
    assert manifest.files[0].sha256 == hashlib.sha256(BODY).hexdigest()
    assert [file.sha256 for file in manifest.files[1:]] == [
        hashlib.sha256(file.body).hexdigest() for file in result_set.outputs
    ]
    assert manifest.outcome == result_set.outcome
    assert (result_set.outcome.outcome, result_set.outcome.engine_s) == (Kind.COMPLETED, 3.2)


def test_whoever_derives_it_gets_the_same_bytes() -> None:
    assert derive_result_set(BODY) == derive_result_set(bytes(BODY))


def test_a_result_of_this_job_is_taken_as_it_is() -> None:
    manifest = read_manifest(derive_result_set(BODY).manifest.body, make_a_job())
    check_transcript(BODY, make_a_job())

    assert manifest.job_id == "call-4711"


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", json.dumps({"text": "x"}).encode()])
def test_what_is_none_of_ours_is_a_conflict(body: bytes) -> None:
    for check in (read_manifest, check_transcript):
        with pytest.raises(PermanentError, match="none of ours") as caught:
            check(body, make_a_job())
        assert caught.value.code is ErrorCode.JOB_ID_CONFLICT


def test_a_result_of_another_request_is_a_conflict() -> None:
    other = make_a_job(options={"language": "de"})
    with pytest.raises(PermanentError, match="another request"):
        read_manifest(derive_result_set(BODY).manifest.body, other)
    with pytest.raises(PermanentError, match="another request"):
        check_transcript(BODY, other)
