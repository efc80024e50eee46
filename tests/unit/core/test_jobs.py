"""What makes two requests the same job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consumer.core.failures import TransientError
from consumer.core.hops import Hop, Sender, hop_record
from consumer.core.jobs import sent_at
from contracts.errors import ErrorCode
from contracts.identity import derive_job_id, fingerprint
from tests.make import NOW, make_a_job, make_record, make_request


def test_a_job_takes_what_its_request_says() -> None:
    job = make_a_job(output={"uri": "s3://elsewhere/calls"}, job_id="x")

    assert (job.job_id, job.output_uri, job.attempt) == ("x", "s3://elsewhere/calls/", 1)


def test_a_job_belongs_to_the_tenant_of_its_request() -> None:
    assert (make_a_job().tenant, make_a_job(tenant="acme").tenant) == (None, "acme")


def test_a_fingerprint_without_tenant_is_what_it_was_before_there_were_tenants() -> None:
    assert fingerprint(make_request()) == "d2b62435491a51581d6d4b279faf14b76488cc535adc1604ed66fee8ed0ba940"


def test_a_job_without_output_goes_to_the_default_place() -> None:
    assert make_a_job().output_uri == "s3://transcripts/"


def test_a_request_without_id_is_the_same_job_when_it_is_repeated() -> None:
    one, two = make_a_job(job_id=None), make_a_job(job_id=None)

    assert one.job_id == two.job_id
    assert len(one.job_id) == 40


@pytest.mark.parametrize(
    "other",
    [
        {"input": {"uri": "s3://media/calls/4712.mp3"}},
        {"input": {"uri": "s3://media/calls/4711.mp3", "version_id": "v2"}},
        {"input": {"uri": "s3://media/calls/4711.mp3", "etag": "e2"}},
        {"options": {"language": "de"}},
        {"options": {"model": "tiny.en"}},
        {"tenant": "acme"},
    ],
)
def test_another_content_or_option_is_another_job(other: dict[str, object]) -> None:
    assert derive_job_id(make_request(**other)) != derive_job_id(make_request())
    assert fingerprint(make_request(**other)) != fingerprint(make_request())


@pytest.mark.parametrize(
    "same",
    [
        {"metadata": {"case": "1"}},
        {"correlation_id": "c"},
        {"options": {"beam_size": 5}},
        {"job_id": "other"},
        {"deadline": "2030-01-01T00:00:00Z"},
    ],
)
def test_the_fingerprint_ignores_what_does_not_change_the_transcript(same: dict[str, object]) -> None:
    assert fingerprint(make_request(**same)) == fingerprint(make_request())


def test_a_request_was_sent_when_its_record_says() -> None:
    assert sent_at(make_record()) == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


def test_a_retry_was_sent_when_the_request_was() -> None:
    error = TransientError(ErrorCode.INPUT_NOT_FOUND, "not yet")
    again = hop_record(Sender("g", "w"), make_record(), error, Hop("retry", 2, NOW), now=NOW)
    hop = replace(make_record(headers=again.headers), topic="retry", timestamp_ms=1_700_000_099_000)
    assert sent_at(hop) == sent_at(make_record())


@pytest.mark.parametrize("timestamp_ms", [-1, 2**63 - 1])
def test_a_timestamp_that_is_none_says_nothing(timestamp_ms: int) -> None:
    assert sent_at(replace(make_record(), timestamp_ms=timestamp_ms)) is None
