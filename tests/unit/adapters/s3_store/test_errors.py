"""No foreign error of the S3 client is left without a meaning of ours."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import aiohttp
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from consumer.adapters.s3_store.errors import (
    FOREIGN,
    BucketMissingError,
    Fault,
    fault_of,
    input_error,
    job_error,
    output_error,
)
from consumer.core.failures import OutageError, PermanentError, TransientError
from contracts.errors import VERDICTS, ErrorCode, Verdict

URI = "s3://b/k"


def answer(code: str, status: int) -> boto.ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "HostId": "", "RequestId": "", "RetryAttempts": 0}
    return boto.ClientError({"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": metadata}, "GetObject")  # type: ignore[typeddict-item]  # a dict of another type


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


@pytest.mark.parametrize("kind", sorted({*below(boto.BotoCoreError), *below(aiohttp.ClientError)}, key=repr))
def test_every_class_of_client_errors_has_a_meaning(kind: type[Exception]) -> None:
    assert issubclass(kind, FOREIGN)
    assert fault_of(kind.__new__(kind)) in {Fault.UNAVAILABLE, Fault.CREDENTIALS, Fault.INVALID, Fault.REFUSED}


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (boto.EndpointConnectionError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.ConnectTimeoutError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.ReadTimeoutError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.ConnectionClosedError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.SSLError(endpoint_url="u", error=OSError()), Fault.UNAVAILABLE),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), Fault.UNAVAILABLE),
        (boto.ResponseStreamingError(error="e"), Fault.UNAVAILABLE),
        (aiohttp.ClientPayloadError(), Fault.UNAVAILABLE),
        (aiohttp.ServerDisconnectedError(), Fault.UNAVAILABLE),
        (ResponseParserError(), Fault.UNAVAILABLE),
        (TimeoutError(), Fault.UNAVAILABLE),
        (boto.NoCredentialsError(), Fault.CREDENTIALS),
        (boto.PartialCredentialsError(provider="p", cred_var="v"), Fault.CREDENTIALS),
        (boto.CredentialRetrievalError(provider="p", error_msg="m"), Fault.CREDENTIALS),
        (boto.UnauthorizedSSOTokenError(), Fault.CREDENTIALS),
        (boto.ParamValidationError(report="r"), Fault.INVALID),
        (boto.HTTPClientError(error=ValueError("Forbidden control character")), Fault.INVALID),
        (boto.HTTPClientError(error=ssl.SSLCertVerificationError()), Fault.UNAVAILABLE),
        (boto.HTTPClientError(error=OSError()), Fault.UNAVAILABLE),
        (aiohttp.InvalidURL("u"), Fault.INVALID),
        (answer("InvalidArgument", 400), Fault.INVALID),
        (answer("InvalidRequest", 400), Fault.INVALID),
        (answer("SlowDown", 503), Fault.THROTTLED),
        (answer("Unheard", 429), Fault.THROTTLED),
        (answer("Unheard", 502), Fault.UNAVAILABLE),
        (answer("ExpiredToken", 400), Fault.CREDENTIALS),
        (answer("RequestTimeTooSkewed", 403), Fault.CREDENTIALS),
        (answer("AccessDenied", 403), Fault.FORBIDDEN),
        (answer("403", 403), Fault.FORBIDDEN),
        (answer("NoSuchBucket", 404), Fault.NO_BUCKET),
        (answer("404", 404), Fault.NO_OBJECT),
        (answer("PreconditionFailed", 412), Fault.CHANGED),
        (answer("ConditionalRequestConflict", 409), Fault.CONFLICT),
        (answer("PermanentRedirect", 301), Fault.REFUSED),
        (answer("ObjectParentIsFile", 409), Fault.BAD_KEY),
        (answer("ExistingObjectIsDirectory", 409), Fault.BAD_KEY),
        (answer("XMinioInvalidResourceName", 400), Fault.BAD_KEY),
        (answer("KeyTooLongError", 400), Fault.BAD_KEY),
        (boto.ClientError({}, "GetObject"), Fault.REFUSED),
    ],
)
def test_a_foreign_error_has_one_meaning(error: Exception, fault: Fault) -> None:
    assert fault_of(error) is fault


def test_a_missing_bucket_is_told_apart_when_it_is_ours_to_write_to() -> None:
    assert isinstance(output_error(answer("NoSuchBucket", 404), URI), BucketMissingError)
    assert isinstance(input_error(answer("NoSuchBucket", 404), URI), TransientError)


@pytest.mark.parametrize(
    "error", [answer("ExpiredToken", 400), answer("SlowDown", 503), TimeoutError(), boto.NoCredentialsError()]
)
def test_what_befalls_everybody_is_an_outage_on_both_sides(error: Exception) -> None:
    assert isinstance(input_error(error, URI), OutageError)
    assert isinstance(output_error(error, URI), OutageError)


def test_an_input_that_cannot_be_asked_for_is_the_requests_fault() -> None:
    error = input_error(answer("InvalidArgument", 400), URI)
    assert isinstance(error, PermanentError)
    assert error.code is ErrorCode.REQUEST_INVALID


def test_a_name_that_a_store_cannot_hold_is_the_requests_fault_on_both_sides() -> None:
    for error in (
        input_error(answer("KeyTooLongError", 400), URI),
        output_error(answer("ObjectParentIsFile", 409), URI),
    ):
        assert isinstance(error, PermanentError)
        assert error.code is ErrorCode.REQUEST_INVALID


def test_a_store_that_breaks_on_a_name_with_nul_is_not_away() -> None:
    broken = answer("InternalError", 500)
    assert input_error(broken, "s3://b/a\0b").code is ErrorCode.REQUEST_INVALID
    assert output_error(broken, "s3://b/a\0b").code is ErrorCode.REQUEST_INVALID
    assert isinstance(input_error(TimeoutError(), "s3://b/a\0b"), OutageError)
    assert isinstance(input_error(broken, URI), OutageError)


def test_what_nobody_knows_is_tried_again() -> None:
    assert isinstance(input_error(answer("Teapot", 418), URI), TransientError)
    assert isinstance(output_error(answer("Teapot", 418), URI), TransientError)


def test_a_message_names_the_object_and_the_stores_own_words() -> None:
    message = input_error(answer("AccessDenied", 403), URI).message
    assert message.startswith("s3://b/k: ")
    assert message.endswith("(AccessDenied: m)")


@pytest.mark.parametrize("code", [code for code in ErrorCode if VERDICTS[code] is not Verdict.FINAL])
def test_a_code_makes_an_error_of_its_own_verdict(code: ErrorCode) -> None:
    error = job_error(code, "m")
    assert type(error) in {PermanentError, TransientError, OutageError}
    assert error.verdict is VERDICTS[code]


def test_a_final_code_makes_no_error() -> None:
    with pytest.raises(ValueError, match="is no error"):
        job_error(ErrorCode.CANCELLED, "m")
