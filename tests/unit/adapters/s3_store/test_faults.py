"""No foreign error of the S3 client is left without a meaning of ours."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Iterator

import aiobotocore.response
import aiohttp
import botocore.utils
import pytest
from botocore import exceptions as boto
from botocore import parsers
from botocore.parsers import ResponseParserError

from consumer.adapters.s3_store.faults import BY_CLASS, CREDENTIAL_OPERATIONS, FOREIGN, Fault, fault_of
from tests.unit.adapters.s3_store.answers import make_answer

JUDGED_BY_BASE = frozenset(
    (
        # HTTPClientError, ConnectionError: no answer, or not to its end.
        "ConnectionClosedError", "ReadTimeoutError", "AioReadTimeoutError", "ResponseStreamingError",
        "EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError",
        # SSOError, InvalidConfigError: credentials.
        "SSOTokenLoadError", "UnauthorizedSSOTokenError", "InfiniteLoopConfigError",
        # ValidationError, EndpointProviderError: what cannot be asked for.
        "UnknownKeyError", "RangeError", "UnknownParameterError", "InvalidRegionError", "AliasConflictParameterError",
        "EndpointResolutionError", "UnknownEndpointResolutionBuiltInName",
        # ClientError: by what the store says.
        "EventStreamError",
        # aiohttp's ClientError, InvalidURL and ClientSSLError.
        "ClientResponseError", "ContentTypeError", "WSServerHandshakeError", "ClientHttpProxyError", "TooManyRedirects",
        "ClientConnectionError", "ClientConnectionResetError", "ClientOSError", "ClientConnectorError",
        "ClientConnectorDNSError", "ClientProxyConnectionError", "UnixClientConnectorError", "ClientConnectorSSLError",
        "ClientConnectorCertificateError", "ServerConnectionError", "ServerDisconnectedError", "ServerTimeoutError",
        "ConnectionTimeoutError", "SocketTimeoutError", "ServerFingerprintMismatch", "ClientPayloadError",
        "UploadAbortedError", "InvalidUrlClientError", "InvalidUrlRedirectClientError", "RedirectClientError",
        "NonHttpUrlRedirectClientError", "NonHttpUrlClientError",
    )
)  # fmt: skip
"""Each is what its base is. A class that is new in another version of a library is in no list: look at it, and list
it here or give it a row."""

OF_NO_CALL_OF_OURS = frozenset(
    (
        # When a client is made; the worker starts with one or not at all.
        "DataNotFoundError", "UnknownServiceError", "UnknownRegionError", "ApiVersionNotFoundError",
        "UnknownSignatureVersionError", "UnsupportedSignatureVersionError", "ServiceNotInRegionError",
        "BaseEndpointResolverError", "EndpointVariantError", "UnknownEndpointError",
        "UnknownFIPSEndpointError", "InvalidS3AddressingStyleError", "InvalidRetryConfigurationError",
        "InvalidMaxRetryAttemptsError", "InvalidRetryModeError", "InvalidS3UsEast1RegionalEndpointConfigError",
        "InvalidSTSRegionalEndpointsConfigError", "InvalidProxiesConfigError", "InvalidDefaultsMode",
        "InvalidEndpointConfigurationError", "InvalidChecksumConfigError", "UnsupportedServiceProtocolsError",
        "InvalidEndpointDiscoveryConfigurationError", "UnknownServiceStyle",
        # Of paginators, waiters, stubs, presigned posts, other services, endpoint discovery, chunked uploads.
        "MissingParametersError", "PaginationError", "OperationNotPageableError", "WaiterError", "WaiterConfigError",
        "InvalidExpressionError", "UnknownClientMethodError", "StubResponseError", "StubAssertionError",
        "UnStubbedResponseError", "UnsupportedS3ControlArnError", "UnsupportedS3ControlConfigurationError",
        "MD5UnavailableError", "CapacityNotAvailableError", "AwsChunkedWrapperError", "EndpointDiscoveryException",
        "EndpointDiscoveryRequired", "EndpointDiscoveryRefreshFailed",
    )
)  # fmt: skip
"""`REFUSED`, should one come all the same."""

NOT_LET_OUT = frozenset(
    (
        "UnsupportedTLSVersionWarning", "ImminentRemovalWarning", "UndefinedModelAttributeError",
        "MissingServiceIdError", "BadIMDSRequestError", "_RetriesExceededError", "InvalidArnException",
    )
)  # fmt: skip
"""Caught or wrapped by botocore itself, or no error."""

ROOTS = (boto.BotoCoreError, boto.ClientError, ResponseParserError, aiohttp.ClientError)


def below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def defined_in(*modules: object) -> set[type[BaseException]]:
    return {
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == module.__name__  # type: ignore[attr-defined]  # modules have names
    }


LIBRARIES = {kind for root in ROOTS for kind in below(root)} | defined_in(
    boto, parsers, botocore.utils, aiobotocore.response, aiohttp.client_exceptions
)
THEIRS = sorted(
    (kind for kind in LIBRARIES if kind.__module__.startswith(("botocore", "aiobotocore", "aiohttp"))), key=repr
)


@pytest.mark.parametrize("kind", THEIRS)
def test_every_class_of_the_libraries_is_decided_on(kind: type[BaseException]) -> None:
    is_decided = kind in BY_CLASS or kind is boto.ClientError
    listed = JUDGED_BY_BASE | OF_NO_CALL_OF_OURS | NOT_LET_OUT | {"WSMessageTypeError"}
    assert is_decided != (kind.__name__ in listed), f"{kind} has no row, or a row and a place in a list"


@pytest.mark.parametrize("kind", [kind for kind in THEIRS if not issubclass(kind, boto.ClientError)])
def test_what_a_list_says_of_a_class_is_so(kind: type[BaseException]) -> None:
    if kind.__name__ in NOT_LET_OUT | {"WSMessageTypeError"}:
        assert not issubclass(kind, (boto.BotoCoreError, aiohttp.ClientError))
        return
    assert issubclass(kind, FOREIGN)
    fault = fault_of(kind.__new__(kind))
    if kind.__name__ in OF_NO_CALL_OF_OURS:
        assert fault is Fault.REFUSED
    elif kind is not boto.BotoCoreError:
        assert fault in {Fault.UNAVAILABLE, Fault.UNTRUSTED, Fault.CREDENTIALS, Fault.INVALID}


def test_a_list_names_nothing_that_is_not_there() -> None:
    assert {kind.__name__ for kind in THEIRS} >= JUDGED_BY_BASE | OF_NO_CALL_OF_OURS


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (boto.EndpointConnectionError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.ConnectTimeoutError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.ReadTimeoutError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.ConnectionClosedError(endpoint_url="u"), Fault.UNAVAILABLE),
        (boto.SSLError(endpoint_url="u", error=OSError()), Fault.UNTRUSTED),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), Fault.UNAVAILABLE),
        (boto.ResponseStreamingError(error="e"), Fault.UNAVAILABLE),
        (aiohttp.ClientPayloadError(), Fault.UNAVAILABLE),
        (aiohttp.ServerDisconnectedError(), Fault.UNAVAILABLE),
        (ResponseParserError(), Fault.UNAVAILABLE),
        (TimeoutError(), Fault.UNAVAILABLE),
        (ConnectionResetError(), Fault.UNAVAILABLE),
        (boto.NoCredentialsError(), Fault.CREDENTIALS),
        (boto.PartialCredentialsError(provider="p", cred_var="v"), Fault.CREDENTIALS),
        (boto.CredentialRetrievalError(provider="p", error_msg="m"), Fault.CREDENTIALS),
        (boto.UnauthorizedSSOTokenError(), Fault.CREDENTIALS),
        (boto.ProfileNotFound(profile="p"), Fault.CREDENTIALS),
        (boto.ParamValidationError(report="r"), Fault.INVALID),
        (boto.UnsupportedS3ArnError(arn="a", msg="m"), Fault.INVALID),
        (boto.HTTPClientError(error=ValueError("Forbidden control character")), Fault.INVALID),
        (boto.HTTPClientError(error=ssl.SSLCertVerificationError()), Fault.UNTRUSTED),
        (boto.HTTPClientError(error=FileNotFoundError()), Fault.UNTRUSTED),
        (boto.HTTPClientError(error=RuntimeError()), Fault.UNAVAILABLE),
        (boto.NoRegionError(), Fault.CREDENTIALS),
        (boto.HTTPClientError(error=OSError()), Fault.UNAVAILABLE),
        (aiohttp.InvalidURL("u"), Fault.INVALID),
        (make_answer("InvalidArgument", 400), Fault.INVALID),
        (make_answer("InvalidRequest", 400), Fault.INVALID),
        (make_answer("SlowDown", 503), Fault.THROTTLED),
        (make_answer("Unheard", 429), Fault.THROTTLED),
        (make_answer("Unheard", 502), Fault.UNAVAILABLE),
        (make_answer("Unheard", 507), Fault.FULL),
        (make_answer("BadDigest", 400), Fault.UNAVAILABLE),
        (make_answer("ExpiredToken", 400), Fault.CREDENTIALS),
        (make_answer("AccountProblem", 403), Fault.CREDENTIALS),
        (make_answer("RequestTimeTooSkewed", 403), Fault.CLOCK),
        (make_answer("AccessDenied", 403), Fault.FORBIDDEN),
        (make_answer("403", 403), Fault.FORBIDDEN),
        (make_answer("KMS.DisabledException", 400), Fault.KMS_KEY),
        (make_answer("KMS.ThrottlingException", 400), Fault.THROTTLED),
        (make_answer("InvalidObjectState", 403), Fault.ARCHIVED),
        (make_answer("NoSuchBucket", 404), Fault.NO_BUCKET),
        (make_answer("404", 404), Fault.NO_OBJECT),
        (make_answer("PreconditionFailed", 412), Fault.CHANGED),
        (make_answer("InvalidRange", 416), Fault.CHANGED),
        (make_answer("ConditionalRequestConflict", 409), Fault.CONFLICT),
        (make_answer("OperationAborted", 409), Fault.CONFLICT),
        (make_answer("PermanentRedirect", 301), Fault.ELSEWHERE),
        (make_answer("AuthorizationHeaderMalformed", 400), Fault.ELSEWHERE),
        (make_answer("TemporaryRedirect", 307), Fault.UNAVAILABLE),
        (make_answer("QuotaExceeded", 403), Fault.QUOTA),
        (make_answer("XMinioStorageFull", 507), Fault.FULL),
        (make_answer("EntityTooLarge", 400), Fault.TOO_LARGE),
        (make_answer("413", 413), Fault.TOO_LARGE),
        (make_answer("ObjectParentIsFile", 409), Fault.BAD_KEY),
        (make_answer("ExistingObjectIsDirectory", 409), Fault.BAD_KEY),
        (make_answer("XMinioInvalidResourceName", 400), Fault.BAD_KEY),
        (make_answer("KeyTooLongError", 400), Fault.BAD_KEY),
        (boto.ClientError({}, "GetObject"), Fault.REFUSED),
    ],
)
def test_a_foreign_error_has_one_meaning(error: Exception, fault: Fault) -> None:
    assert fault_of(error) is fault


@pytest.mark.parametrize("operation", sorted(CREDENTIAL_OPERATIONS))
@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("ExpiredTokenException", 400), ("Unheard", 400)])
def test_a_role_that_is_refused_is_no_forbidden_object(operation: str, code: str, status: int) -> None:
    assert fault_of(make_answer(code, status, operation=operation)) is Fault.CREDENTIALS


def test_a_token_service_that_is_down_is_away() -> None:
    assert fault_of(make_answer("Unheard", 503, operation="AssumeRole")) is Fault.UNAVAILABLE


def test_a_file_of_credentials_that_is_gone_is_about_credentials() -> None:
    """A web identity token is read from a file again and again."""
    assert fault_of(FileNotFoundError(2, "no such file", "/var/run/token")) is Fault.CREDENTIALS


@pytest.mark.parametrize("code", ["404", ""])
@pytest.mark.parametrize(
    ("status", "kind"), [(404, "text/html; charset=utf-8"), (404, "text/plain"), (403, "text/html")]
)
def test_a_proxy_without_its_store_is_no_missing_object(code: str, status: int, kind: str) -> None:
    answer = make_answer(str(status) if code else "", status, content_type=kind)
    assert fault_of(answer) is Fault.UNAVAILABLE
