"""Which of our errors each foreign one is: one table for what S3 says, one for what clients raise."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from consumer.core.failures import JobError, OutageError, PermanentError, TransientError
from contracts.errors import VERDICTS, ErrorCode

FOREIGN: Final = (boto.ClientError, boto.BotoCoreError, ResponseParserError, aiohttp.ClientError, TimeoutError)
"""Everything that a call of the S3 client raises when it fails, reading the body included."""


class Fault(StrEnum):
    """What a store's answer, or its silence, means."""

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"
    """Missing, expired or unknown: the next request of anybody would fail the same way."""
    FORBIDDEN = "forbidden"
    ARCHIVED = "archived"
    NO_BUCKET = "no_bucket"
    NO_OBJECT = "no_object"
    CHANGED = "changed"
    """A condition (`If-Match`, `If-None-Match`) does not hold."""
    CONFLICT = "conflict"
    """Another conditional write was under way; S3 asks to repeat this one."""
    INVALID = "invalid"
    """What we ask for cannot be asked for: refused by the client before it is sent, or by the store as malformed."""
    BAD_KEY = "bad_key"
    """This store can hold no object of that name: too long a segment, or a file where it would need a folder."""
    REFUSED = "refused"
    """Anything else that the store does not want."""


_BY_CODE: Final = {
    **dict.fromkeys(
        (
            "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "ThrottledException",
            "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "TooManyRequests",
            "TooManyRequestsException", "BandwidthLimitExceeded", "LimitExceededException",
        ),
        Fault.THROTTLED,
    ),
    **dict.fromkeys(
        (
            "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired", "InvalidToken",
            "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "RequestTimeTooSkewed",
        ),
        Fault.CREDENTIALS,
    ),
    **dict.fromkeys(("InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException"),
                    Fault.UNAVAILABLE),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "AccountProblem"), Fault.FORBIDDEN),
    "InvalidObjectState": Fault.ARCHIVED,
    "NoSuchBucket": Fault.NO_BUCKET,
    # A delete marker asked for by version answers MethodNotAllowed.
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "MethodNotAllowed"), Fault.NO_OBJECT),
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
    "PreconditionFailed": Fault.CHANGED,
    "ConditionalRequestConflict": Fault.CONFLICT,
}  # fmt: skip

_SERVER_ERROR: Final = 500
_BY_STATUS: Final = {
    401: Fault.CREDENTIALS,
    403: Fault.FORBIDDEN,
    404: Fault.NO_OBJECT,
    405: Fault.NO_OBJECT,
    408: Fault.UNAVAILABLE,
    409: Fault.CONFLICT,
    412: Fault.CHANGED,
    429: Fault.THROTTLED,
}

_BY_CLASS: Final[tuple[tuple[type[Exception], Fault], ...]] = (
    (boto.NoCredentialsError, Fault.CREDENTIALS),
    (boto.PartialCredentialsError, Fault.CREDENTIALS),
    (boto.CredentialRetrievalError, Fault.CREDENTIALS),
    (boto.TokenRetrievalError, Fault.CREDENTIALS),
    (boto.NoAuthTokenError, Fault.CREDENTIALS),
    (boto.RefreshWithMFAUnsupportedError, Fault.CREDENTIALS),
    (boto.SSOError, Fault.CREDENTIALS),
    (boto.MetadataRetrievalError, Fault.CREDENTIALS),
    (boto.ParamValidationError, Fault.INVALID),
    (aiohttp.InvalidURL, Fault.INVALID),
    (boto.HTTPClientError, Fault.UNAVAILABLE),
    (boto.ConnectionError, Fault.UNAVAILABLE),
    (boto.IncompleteReadError, Fault.UNAVAILABLE),
    (boto.ChecksumError, Fault.UNAVAILABLE),
    (boto.FlexibleChecksumError, Fault.UNAVAILABLE),
    (ResponseParserError, Fault.UNAVAILABLE),
    (aiohttp.ClientError, Fault.UNAVAILABLE),
    (TimeoutError, Fault.UNAVAILABLE),
    (boto.BotoCoreError, Fault.REFUSED),
)
"""Most specific first."""

_OUTAGES: Final = {
    Fault.UNAVAILABLE: (ErrorCode.STORAGE_UNAVAILABLE, "the object store does not answer as it should; is it up?"),
    Fault.THROTTLED: (ErrorCode.STORAGE_THROTTLED, "the object store asks for fewer requests"),
    Fault.CREDENTIALS: (ErrorCode.CREDENTIALS_EXPIRED, "credentials are missing, expired or unknown: renew them"),
}
_REFUSED: Final = (ErrorCode.INTERNAL, "the object store refuses the request")

_INPUT: Final = {
    **_OUTAGES,
    Fault.FORBIDDEN: (
        ErrorCode.INPUT_FORBIDDEN,
        (
            "reading is not allowed, or the object is missing: AWS answers 403 for a missing object to whom may not"
            " list the bucket; grant s3:GetObject and s3:ListBucket"
        ),
    ),
    Fault.ARCHIVED: (ErrorCode.INPUT_FORBIDDEN, "the object is archived: restore it first"),
    Fault.NO_BUCKET: (ErrorCode.INPUT_NOT_FOUND, "there is no such bucket"),
    Fault.NO_OBJECT: (ErrorCode.INPUT_NOT_FOUND, "there is no such object"),
    Fault.INVALID: (
        ErrorCode.REQUEST_INVALID,
        "the store cannot be asked for this object; check 'uri', 'version_id' and 'etag' of the input",
    ),
    Fault.BAD_KEY: (ErrorCode.REQUEST_INVALID, "this store can hold no object of that name; check 'uri' of the input"),
    Fault.CHANGED: (ErrorCode.INPUT_CHANGED, "the object is another than the one that was asked for"),
}

_OUTPUT: Final = {
    **_OUTAGES,
    Fault.FORBIDDEN: (
        ErrorCode.OUTPUT_FORBIDDEN,
        (
            "reading or writing results is not allowed: grant s3:GetObject, s3:PutObject and s3:ListBucket (without"
            " it AWS answers 403 for an object that is not there yet)"
        ),
    ),
    Fault.NO_BUCKET: (ErrorCode.OUTPUT_FORBIDDEN, "there is no such bucket to write to"),
    Fault.BAD_KEY: (
        ErrorCode.REQUEST_INVALID,
        (
            "this store can hold no object of that name: a part of it is too long or odd, or an object lies where it"
            " needs a folder; choose another 'output.uri' or 'job_id'"
        ),
    ),
    Fault.CONFLICT: (ErrorCode.STORAGE_UNAVAILABLE, "another write of the same object does not come to an end"),
}


class BucketMissingError(PermanentError):
    """The bucket that results or state go to does not exist."""


def fault_of(error: BaseException) -> Fault:
    """Judges one of the `FOREIGN` errors."""
    if isinstance(error, boto.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _BY_CODE.get(error.response.get("Error", {}).get("Code", "")) or _fault_of_status(status)
    if _is_unsendable(error):
        return Fault.INVALID
    return next(fault for kind, fault in _BY_CLASS if isinstance(error, kind))


def input_error(error: Exception, uri: str) -> JobError:
    """Our error for a foreign one that came while reading an input."""
    code, meaning = _INPUT.get(_fault_at(uri, error), _REFUSED)
    return job_error(code, f"{uri}: {meaning} ({_detail(error)})")


def output_error(error: Exception, uri: str) -> JobError:
    """Our error for a foreign one that came while reading or writing results or state."""
    fault = _fault_at(uri, error)
    code, meaning = _OUTPUT.get(fault, _REFUSED)
    message = f"{uri}: {meaning} ({_detail(error)})"
    return BucketMissingError(code, message) if fault is Fault.NO_BUCKET else job_error(code, message)


def is_distrust(error: JobError) -> bool:
    """Whether it is the store's certificate that was not taken."""
    return isinstance(error.__cause__, boto.SSLError)


def job_error(code: ErrorCode, message: str) -> JobError:
    """The error whose class carries the code's verdict."""
    for kind in (PermanentError, TransientError, OutageError):
        if kind.verdict is VERDICTS[code]:
            return kind(code, message)
    raise ValueError(f"{code} is no error")


def _fault_at(uri: str, error: Exception) -> Fault:
    fault = fault_of(error)
    # VersityGW breaks on such a name (500), and would do so for ever.
    is_broken_by_name = "\0" in uri and isinstance(error, boto.ClientError) and fault is Fault.UNAVAILABLE
    return Fault.BAD_KEY if is_broken_by_name else fault


def _is_unsendable(error: BaseException) -> bool:
    """Whether the client wraps a complaint about our values; a bad certificate is a ValueError too, and an OSError."""
    cause = getattr(error, "kwargs", {}).get("error") if isinstance(error, boto.HTTPClientError) else None
    return isinstance(cause, ValueError) and not isinstance(cause, OSError)


def _fault_of_status(status: int) -> Fault:
    if status >= _SERVER_ERROR:
        return Fault.UNAVAILABLE
    return _BY_STATUS.get(status, Fault.REFUSED)


def _detail(error: Exception) -> str:
    if isinstance(error, boto.ClientError):
        answer = error.response.get("Error", {})
        return f"{answer.get('Code', 'no code')}: {answer.get('Message', 'no message')}"
    return str(error) or type(error).__name__
