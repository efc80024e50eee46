"""What each foreign error of the S3 client means: one table for what stores say, one for what clients raise.

Which of our errors a meaning becomes depends on what was being done; that table is `errors`.
"""

from __future__ import annotations

import ssl
from enum import StrEnum
from typing import Final

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

FOREIGN: Final = (
    boto.ClientError, boto.BotoCoreError, ResponseParserError, aiohttp.ClientError, OSError, RecursionError,
)  # fmt: skip
"""Everything that a call of the S3 client raises when it fails, reading the body and renewing credentials included."""


class Fault(StrEnum):
    """What a store's answer, or its silence, means."""

    UNAVAILABLE = "unavailable"
    UNTRUSTED = "untrusted"
    """No TLS, or a certificate that nobody here vouches for."""
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"
    """Missing, expired or unknown: the next request of anybody would fail the same way."""
    CLOCK = "clock"
    """What we sign is too old or too new for the store."""
    FORBIDDEN = "forbidden"
    KMS_KEY = "kms_key"
    """The key that the object is, or would be, encrypted with cannot be used."""
    ARCHIVED = "archived"
    NO_BUCKET = "no_bucket"
    NO_OBJECT = "no_object"
    ELSEWHERE = "elsewhere"
    """The bucket lies in another region, or behind another endpoint."""
    CHANGED = "changed"
    """A condition (`If-Match`, `If-None-Match`) does not hold."""
    CONFLICT = "conflict"
    """Another conditional write was under way; S3 asks to repeat this one."""
    FULL = "full"
    """The store has no room left for anybody."""
    QUOTA = "quota"
    """The bucket has used up what it was granted."""
    TOO_LARGE = "too_large"
    """More than the store, or a proxy before it, takes in one request."""
    INVALID = "invalid"
    """What we ask for cannot be asked for: refused by the client before it is sent, or by the store as malformed."""
    BAD_KEY = "bad_key"
    """This store can hold no object of that name: too long a segment, or a file where it would need a folder."""
    REFUSED = "refused"
    """Anything else that the store does not want."""


BY_CODE: Final = {
    **dict.fromkeys(
        (
            "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException",
            "PriorRequestNotComplete", "XMinioServerNotInitialized", "XMinioBackendDown", "KMS.KMSInternalException",
            "KMS.DependencyTimeoutException", "KMS.KeyUnavailableException", "KMS.KMSInternal",
            # Broken on the way: what came is not what was sent.
            "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch",
            # A bucket's name is being spread by DNS; the client follows, and gives up after some turns.
            "TemporaryRedirect", "Redirect",
        ),
        Fault.UNAVAILABLE,
    ),
    **dict.fromkeys(
        (
            "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "ThrottledException",
            "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "TooManyRequests",
            "TooManyRequestsException", "BandwidthLimitExceeded", "LimitExceededException", "KMS.ThrottlingException",
            "KMS.LimitExceededException",
        ),
        Fault.THROTTLED,
    ),
    **dict.fromkeys(
        (
            "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", "InvalidTokenId",
            "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
            "InvalidSecurity", "MissingSecurityHeader", "MissingAuthenticationToken", "CredentialsNotSupported",
            "NotSignedUp", "AccountProblem", "UserSuspended",
        ),
        Fault.CREDENTIALS,
    ),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"), Fault.CLOCK),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "InvalidPayer", "UnauthorizedAccess"), Fault.FORBIDDEN),
    **dict.fromkeys(
        (
            "KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException",
            "KMS.InvalidKeyUsageException", "KMS.InvalidStateException", "KMS.AccessDeniedException",
            "KMS.KMSAccessDeniedException",
        ),
        Fault.KMS_KEY,
    ),
    "InvalidObjectState": Fault.ARCHIVED,
    "NoSuchBucket": Fault.NO_BUCKET,
    # A delete marker asked for by version answers MethodNotAllowed.
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "MethodNotAllowed"), Fault.NO_OBJECT),
    **dict.fromkeys(
        (
            "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
            "EndpointNotFound",
        ),
        Fault.ELSEWHERE,
    ),
    # A range that is not there: the object is shorter than the one that was begun.
    **dict.fromkeys(("PreconditionFailed", "InvalidRange"), Fault.CHANGED),
    **dict.fromkeys(("ConditionalRequestConflict", "OperationAborted"), Fault.CONFLICT),
    **dict.fromkeys(("XMinioStorageFull", "InsufficientStorage", "InsufficientCapacity"), Fault.FULL),
    **dict.fromkeys(("QuotaExceeded", "XMinioAdminBucketQuotaExceeded"), Fault.QUOTA),
    **dict.fromkeys(("EntityTooLarge", "MaxMessageLengthExceeded"), Fault.TOO_LARGE),
    # A malformed version id is InvalidArgument, an object under a key of its owner's InvalidRequest.
    **dict.fromkeys(("InvalidArgument", "InvalidRequest", "InvalidURI", "InvalidBucketName"), Fault.INVALID),
    # Stores that keep objects as files: VersityGW says some of it with 409, as if it were a conflict between writers.
    **dict.fromkeys(
        (
            "KeyTooLongError", "XMinioInvalidObjectName", "XMinioInvalidResourceName", "XMinioParentIsObject",
            "XMinioObjectExistsAsDirectory", "ObjectParentIsFile", "ExistingObjectIsDirectory",
        ),
        Fault.BAD_KEY,
    ),
    "NotImplemented": Fault.REFUSED,
}  # fmt: skip
"""Codes that stores are known to answer with; one that is not here is judged by its HTTP status."""

_SERVER_ERROR: Final = 500
BY_STATUS: Final = {
    301: Fault.ELSEWHERE,
    307: Fault.UNAVAILABLE,
    308: Fault.ELSEWHERE,
    401: Fault.CREDENTIALS,
    403: Fault.FORBIDDEN,
    404: Fault.NO_OBJECT,
    405: Fault.NO_OBJECT,
    408: Fault.UNAVAILABLE,
    409: Fault.CONFLICT,
    412: Fault.CHANGED,
    413: Fault.TOO_LARGE,
    416: Fault.CHANGED,
    429: Fault.THROTTLED,
    507: Fault.FULL,
}
"""For codes that a store invents; from 500 on `UNAVAILABLE` unless said, anything else `REFUSED`."""

BY_CLASS: Final[dict[type[BaseException], Fault]] = {
    # Botocore's client. Of those below `BotoCoreError` that are not here none comes of a call of ours.
    **dict.fromkeys(
        (
            boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, boto.ChecksumError,
            boto.FlexibleChecksumError, boto.UnseekableStreamError, ResponseParserError,
        ),
        Fault.UNAVAILABLE,
    ),
    boto.SSLError: Fault.UNTRUSTED,
    **dict.fromkeys(
        (
            boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError,
            boto.UnknownCredentialError, boto.TokenRetrievalError, boto.NoAuthTokenError,
            boto.RefreshWithMFAUnsupportedError, boto.SSOError, boto.MetadataRetrievalError,
            # A profile or a role is read again whenever what it gave runs out; a role wants a region.
            boto.NoRegionError, boto.ProfileNotFound, boto.ConfigNotFound, boto.ConfigParseError,
            boto.InvalidConfigError, boto.InvalidIMDSEndpointError, boto.InvalidIMDSEndpointModeError,
            boto.MissingDependencyException,
        ),
        Fault.CREDENTIALS,
    ),
    **dict.fromkeys(
        (
            boto.ParamValidationError, boto.ValidationError, boto.InvalidDNSNameError, boto.InvalidHostLabelError,
            boto.UnsupportedS3ArnError, boto.UnsupportedS3AccesspointConfigurationError,
            boto.UnsupportedS3ConfigurationError, boto.UnsupportedOutpostResourceError, boto.EndpointProviderError,
        ),
        Fault.INVALID,
    ),
    boto.BotoCoreError: Fault.REFUSED,
    # aiohttp, where a body is read.
    aiohttp.InvalidURL: Fault.INVALID,
    aiohttp.ClientSSLError: Fault.UNTRUSTED,
    aiohttp.ClientError: Fault.UNAVAILABLE,
    # The system: files that credentials are read from, then the network.
    **dict.fromkeys((FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError), Fault.CREDENTIALS),
    OSError: Fault.UNAVAILABLE,
    # Botocore asks without end for the region of a bucket that answers 301 and does not name it.
    RecursionError: Fault.ELSEWHERE,
}  # fmt: skip
"""The nearest class in an error's own order counts."""

BY_WRAPPED: Final[dict[type[BaseException], Fault]] = {
    # Of files none is read while a request is sent but those of certificates.
    **dict.fromkeys((FileNotFoundError, PermissionError, IsADirectoryError, ssl.SSLError), Fault.UNTRUSTED),
    OSError: Fault.UNAVAILABLE,
    # A complaint about our values.
    ValueError: Fault.INVALID,
}
"""For the bare `HTTPClientError`, by what it wraps; likewise."""

CREDENTIAL_OPERATIONS: Final = frozenset(
    ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials", "CreateToken", "CreateOAuth2Token")
)
"""Calls that botocore makes by itself before ours: their refusals are about us and not about the object."""


def fault_of(error: BaseException) -> Fault:
    """Judges one of the `FOREIGN` errors."""
    if isinstance(error, boto.ClientError):
        return _fault_of_answer(error)
    wrapped = getattr(error, "kwargs", {}).get("error") if type(error) is boto.HTTPClientError else None
    return _nearest(BY_WRAPPED, wrapped) or _nearest(BY_CLASS, error) or Fault.REFUSED


def _nearest(table: dict[type[BaseException], Fault], error: object) -> Fault | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


def _fault_of_answer(error: boto.ClientError) -> Fault:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    fault = BY_CODE.get(error.response.get("Error", {}).get("Code", "")) or _fault_of_status(status)
    if error.operation_name in CREDENTIAL_OPERATIONS and fault not in {Fault.UNAVAILABLE, Fault.THROTTLED, Fault.CLOCK}:
        return Fault.CREDENTIALS
    return Fault.UNAVAILABLE if _is_of_no_store(error, status) else fault


def _fault_of_status(status: int) -> Fault:
    if fault := BY_STATUS.get(status):
        return fault
    return Fault.UNAVAILABLE if status >= _SERVER_ERROR else Fault.REFUSED


def _is_of_no_store(error: boto.ClientError, status: int) -> bool:
    """Whether a proxy speaks that has lost its store, or somebody else: a store says in XML what is wrong."""
    says_nothing = error.response.get("Error", {}).get("Code", "") in {"", str(status)}
    kind = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-type", "")
    return says_nothing and status in {403, 404, 405} and kind.startswith(("text/html", "text/plain"))
