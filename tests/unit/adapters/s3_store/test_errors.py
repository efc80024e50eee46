"""Whose fault a store's refusal is depends on the place, and every message says what to do."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto

from consumer.adapters.s3_store.errors import (
    TABLES,
    OwnPlaces,
    Place,
    fault_behind,
    input_error,
    job_error,
    output_error,
)
from consumer.adapters.s3_store.faults import Fault
from consumer.core.failures import JobError, OutageError, PermanentError, TransientError
from contracts.errors import VERDICTS, ErrorCode, Verdict
from tests.unit.adapters.s3_store.answers import make_answer

URI = "s3://b/k"
OWN = OwnPlaces(results="s3://transcripts/", state="s3://transcripts/.steno/")
RESULT, STATE = "s3://transcripts/job/manifest.json", "s3://transcripts/.steno/-/job/lease"


@pytest.mark.parametrize("place", Place)
def test_every_fault_has_a_row_at_every_place(place: Place) -> None:
    assert set(TABLES[place]) == set(Fault)


def test_state_sets_no_job_aside_but_for_its_own_name() -> None:
    permanent = {fault for fault, (code, _) in TABLES[Place.STATE].items() if VERDICTS[code] is Verdict.PERMANENT}
    assert permanent == {Fault.BAD_KEY}


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize(
    "fault", [Fault.UNAVAILABLE, Fault.UNTRUSTED, Fault.THROTTLED, Fault.CREDENTIALS, Fault.CLOCK, Fault.FULL]
)
def test_what_befalls_everybody_is_an_outage_everywhere(place: Place, fault: Fault) -> None:
    assert VERDICTS[TABLES[place][fault][0]] is Verdict.OUTAGE


@pytest.mark.parametrize(
    ("code", "status", "verdicts"),
    [
        ("AccessDenied", 403, "permanent permanent permanent outage"),
        ("KMS.DisabledException", 400, "permanent permanent permanent outage"),
        ("InvalidObjectState", 403, "permanent permanent permanent outage"),
        ("NoSuchBucket", 404, "transient permanent outage outage"),
        ("PermanentRedirect", 301, "permanent permanent outage outage"),
        ("QuotaExceeded", 403, "permanent permanent outage outage"),
        ("EntityTooLarge", 400, "transient permanent permanent outage"),
        ("MethodNotAllowed", 405, "transient transient outage outage"),
        ("KeyTooLongError", 400, "permanent permanent permanent permanent"),
        ("PreconditionFailed", 412, "permanent transient transient transient"),
        ("RequestTimeTooSkewed", 403, "outage outage outage outage"),
        ("ExpiredToken", 400, "outage outage outage outage"),
        ("SlowDown", 503, "outage outage outage outage"),
        ("OperationAborted", 409, "outage outage outage outage"),
        ("Teapot", 418, "transient transient transient transient"),
    ],
)
def test_a_code_has_one_verdict_at_each_place(code: str, status: int, verdicts: str) -> None:
    answer = make_answer(code, status)
    found = [input_error(answer, URI), *(output_error(answer, uri, OWN) for uri in (URI, RESULT, STATE))]
    assert [error.verdict for error in found] == verdicts.split()


def test_a_place_is_ours_only_where_it_was_told() -> None:
    assert [OWN.place_of(uri) for uri in (URI, RESULT, STATE)] == [Place.OUTPUT, Place.RESULTS, Place.STATE]
    assert [OwnPlaces().place_of(uri) for uri in (URI, RESULT, STATE)] == [Place.OUTPUT] * 3


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (make_answer("RequestTimeTooSkewed", 403), "clock"),
        (make_answer("ExpiredToken", 400), "renew them"),
        (make_answer("AccessDenied", 403), "s3:ListBucket"),
        (make_answer("InvalidObjectState", 403), "restore it"),
        (make_answer("KMS.DisabledException", 400), "kms:Decrypt"),
        (make_answer("PermanentRedirect", 301), "AWS_REGION"),
        (boto.SSLError(endpoint_url="u", error=OSError()), "AWS_CA_BUNDLE"),
    ],
)
def test_a_message_says_what_to_do(error: Exception, advice: str) -> None:
    assert advice in input_error(error, URI).message
    assert advice in output_error(error, URI, OwnPlaces()).message


def test_a_name_that_a_store_cannot_hold_is_the_requests_fault_on_both_sides() -> None:
    for error in (
        input_error(make_answer("KeyTooLongError", 400), URI),
        output_error(make_answer("ObjectParentIsFile", 409), URI, OWN),
    ):
        assert isinstance(error, PermanentError)
        assert error.code is ErrorCode.REQUEST_INVALID


def test_a_store_that_breaks_on_a_name_with_nul_is_not_away() -> None:
    broken = make_answer("InternalError", 500)
    assert input_error(broken, "s3://b/a\0b").code is ErrorCode.REQUEST_INVALID
    assert output_error(broken, "s3://b/a\0b", OWN).code is ErrorCode.REQUEST_INVALID
    assert isinstance(input_error(TimeoutError(), "s3://b/a\0b"), OutageError)
    assert isinstance(input_error(broken, URI), OutageError)


def test_a_message_names_the_object_and_the_stores_own_words() -> None:
    message = input_error(make_answer("AccessDenied", 403), URI).message
    assert message.startswith("s3://b/k: ")
    assert message.endswith("(AccessDenied: m)")


def test_a_message_tells_why_there_was_no_connection() -> None:
    error = boto.EndpointConnectionError(endpoint_url="http://store", error=OSError("Name or service not known"))
    assert "Name or service not known" in input_error(error, URI).message


@pytest.mark.parametrize(
    "words",
    [
        "see http://store/b/k?a=1&X-Amz-Credential=SECRET&X-Amz-Signature=SECRET now",
        "see http://user:SECRET@proxy:8080/ now",
    ],
)
def test_a_message_lets_nobody_in(words: str) -> None:
    for error in (make_answer("Odd", 400, message=words), boto.CredentialRetrievalError(provider="p", error_msg=words)):
        message = input_error(error, URI).message
        assert "SECRET" not in message
        assert message.endswith(" now)")


def test_a_message_is_one_line() -> None:
    assert "\n" not in input_error(make_answer("Odd", 400, message="one\ntwo"), URI).message


def test_the_fault_behind_an_error_is_told() -> None:
    error = output_error(make_answer("NoSuchBucket", 404), URI, OWN)
    assert fault_behind(error) is None
    error.__cause__ = make_answer("NoSuchBucket", 404)
    assert fault_behind(error) is Fault.NO_BUCKET


@pytest.mark.parametrize("code", [code for code in ErrorCode if VERDICTS[code] is not Verdict.FINAL])
def test_a_code_makes_an_error_of_its_own_verdict(code: ErrorCode) -> None:
    error: JobError = job_error(code, "m")
    assert type(error) in {PermanentError, TransientError, OutageError}
    assert error.verdict is VERDICTS[code]


def test_a_final_code_makes_no_error() -> None:
    with pytest.raises(ValueError, match="is no error"):
        job_error(ErrorCode.CANCELLED, "m")
