"""Which of our errors a store's fault becomes: one table for each of the places that it is met at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from botocore import exceptions as boto

from consumer.adapters.s3_store.faults import FOREIGN, Fault, fault_of
from consumer.core.failures import JobError, OutageError, PermanentError, TransientError
from consumer.core.masking import without_credentials
from contracts.errors import VERDICTS, ErrorCode

_Row = tuple[ErrorCode, str]
_SIGNED: Final = re.compile(r"\?\S*X-Amz-\S*", re.IGNORECASE)


class Place(StrEnum):
    """What was being touched; whose fault a refusal is depends on it."""

    INPUT = "input"
    """Named by the request, read only."""
    OUTPUT = "output"
    """Named by the request, read and written."""
    RESULTS = "results"
    """Where the deployment writes what names no other place: its bucket is the operator's care."""
    STATE = "state"
    """The workers' own: no request chose it, so jobs wait for what fails there."""


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """The prefixes that the deployment keeps; empty where they are not told."""

    results: str = ""
    state: str = ""

    def place_of(self, uri: str) -> Place:
        """Where a URI lies that is no input."""
        if self.state and uri.startswith(self.state):
            return Place.STATE
        return Place.RESULTS if self.results and uri.startswith(self.results) else Place.OUTPUT


_UNAVAILABLE, _FORBIDDEN = ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.OUTPUT_FORBIDDEN

_REFUSED: Final[_Row] = (ErrorCode.INTERNAL, "the object store refuses the request")

_ANYWHERE: Final[dict[Fault, _Row]] = {
    Fault.UNAVAILABLE: (_UNAVAILABLE, "the object store does not answer as it should; is it up?"),
    Fault.UNTRUSTED: (_UNAVAILABLE, "no trusted TLS connection; check AWS_CA_BUNDLE and AWS_ENDPOINT_URL_S3"),
    Fault.THROTTLED: (ErrorCode.STORAGE_THROTTLED, "the object store asks for fewer requests"),
    Fault.CREDENTIALS: (ErrorCode.CREDENTIALS_EXPIRED, "credentials are missing, expired or unknown: renew them"),
    Fault.CLOCK: (ErrorCode.CREDENTIALS_EXPIRED, "our clock and the store's are apart: have both synchronised (NTP)"),
    Fault.CONFLICT: (_UNAVAILABLE, "another write of the same object does not come to an end"),
    Fault.FULL: (_UNAVAILABLE, "the object store is full: free some space there"),
    Fault.REFUSED: _REFUSED,
}

_INPUT: Final[dict[Fault, _Row]] = {
    **_ANYWHERE,
    Fault.FORBIDDEN: (
        ErrorCode.INPUT_FORBIDDEN,
        (
            "reading is not allowed, or the object is missing: AWS answers 403 for a missing object to whom may not"
            " list the bucket; grant s3:GetObject and s3:ListBucket"
        ),
    ),
    Fault.KMS_KEY: (
        ErrorCode.INPUT_FORBIDDEN,
        "the KMS key of the object is disabled, gone or not ours to use: enable it, grant kms:Decrypt",
    ),
    Fault.ARCHIVED: (ErrorCode.INPUT_FORBIDDEN, "the object is archived: restore it first"),
    Fault.NO_BUCKET: (ErrorCode.INPUT_NOT_FOUND, "there is no such bucket"),
    Fault.NO_OBJECT: (ErrorCode.INPUT_NOT_FOUND, "there is no such object"),
    Fault.ELSEWHERE: (
        ErrorCode.INPUT_FORBIDDEN,
        "the bucket is in another region, or behind another endpoint, than this worker's (AWS_REGION)",
    ),
    Fault.CHANGED: (ErrorCode.INPUT_CHANGED, "the object is another than the one that was asked for"),
    Fault.QUOTA: (ErrorCode.INPUT_FORBIDDEN, "the bucket's quota is used up: raise it"),
    Fault.TOO_LARGE: _REFUSED,
    Fault.INVALID: (
        ErrorCode.REQUEST_INVALID,
        "the store cannot be asked for this object; check 'uri', 'version_id' and 'etag' of the input",
    ),
    Fault.BAD_KEY: (ErrorCode.REQUEST_INVALID, "this store can hold no object of that name; check 'uri' of the input"),
}

_OUTPUT: Final[dict[Fault, _Row]] = {
    **_ANYWHERE,
    Fault.FORBIDDEN: (
        _FORBIDDEN,
        (
            "reading or writing results is not allowed: grant s3:GetObject, s3:PutObject and s3:ListBucket (without"
            " it AWS answers 403 for an object that is not there yet)"
        ),
    ),
    Fault.KMS_KEY: (
        _FORBIDDEN,
        (
            "the KMS key of this place is disabled, gone or not ours to use: enable it, grant kms:GenerateDataKey and"
            " kms:Decrypt, or change STENO_S3__KMS_KEY_ID"
        ),
    ),
    Fault.ARCHIVED: (_FORBIDDEN, "an earlier result of this job is archived: restore it, or choose another 'job_id'"),
    Fault.NO_BUCKET: (_FORBIDDEN, "there is no such bucket to write to"),
    Fault.NO_OBJECT: _REFUSED,
    Fault.ELSEWHERE: (
        _FORBIDDEN,
        "the bucket is in another region, or behind another endpoint, than this worker's (AWS_REGION)",
    ),
    Fault.CHANGED: _REFUSED,
    Fault.QUOTA: (_FORBIDDEN, "the bucket's quota is used up: free some space there, or raise it"),
    Fault.TOO_LARGE: (_FORBIDDEN, "the store, or a proxy before it, takes no object of this size: raise its limit"),
    Fault.INVALID: _REFUSED,
    Fault.BAD_KEY: (
        ErrorCode.REQUEST_INVALID,
        (
            "this store can hold no object of that name: a part of it is too long or odd, or an object lies where it"
            " needs a folder; choose another 'output.uri' or 'job_id'"
        ),
    ),
}

_RESULTS: Final[dict[Fault, _Row]] = {
    **_OUTPUT,
    Fault.NO_BUCKET: (_UNAVAILABLE, "there is no such bucket to write to: create it, or change STENO_S3__RESULTS"),
    Fault.ELSEWHERE: (_UNAVAILABLE, "the results' bucket is elsewhere: check AWS_REGION and AWS_ENDPOINT_URL_S3"),
    Fault.NO_OBJECT: (_UNAVAILABLE, "what answers there takes no objects; check AWS_ENDPOINT_URL_S3"),
    Fault.QUOTA: (_UNAVAILABLE, _OUTPUT[Fault.QUOTA][1]),
}

_STATE: Final[dict[Fault, _Row]] = {
    **_RESULTS,
    Fault.FORBIDDEN: (
        _UNAVAILABLE,
        (
            "the workers may not read or write their own state: grant s3:GetObject, s3:PutObject and s3:ListBucket, or"
            " change STENO_S3__STATE"
        ),
    ),
    Fault.KMS_KEY: (_UNAVAILABLE, _OUTPUT[Fault.KMS_KEY][1]),
    Fault.ARCHIVED: (_UNAVAILABLE, "the workers' own state is archived: take STENO_S3__STATE out of the lifecycle"),
    Fault.NO_BUCKET: (_UNAVAILABLE, "there is no such bucket for state: create it, or change STENO_S3__STATE"),
    Fault.TOO_LARGE: (_UNAVAILABLE, "the store, or a proxy before it, takes not even an object of state"),
}

TABLES: Final = {Place.INPUT: _INPUT, Place.OUTPUT: _OUTPUT, Place.RESULTS: _RESULTS, Place.STATE: _STATE}
"""Code and message for every fault at every place."""


def input_error(error: Exception, uri: str) -> JobError:
    """Our error for a foreign one that came while reading an input."""
    return _judged(error, uri, Place.INPUT)


def output_error(error: Exception, uri: str, own: OwnPlaces) -> JobError:
    """Our error for a foreign one that came while reading or writing results or state."""
    return _judged(error, uri, own.place_of(uri))


def fault_behind(error: JobError) -> Fault | None:
    """The fault that an error of ours was made of; None where it was made of none."""
    return fault_of(error.__cause__) if isinstance(error.__cause__, FOREIGN) else None


def words_of(error: Exception) -> str:
    """The error's own words on one line, without what would let a reader in."""
    return _SIGNED.sub("?…", without_credentials(" ".join(_words(error).split())))


def job_error(code: ErrorCode, message: str) -> JobError:
    """The error whose class carries the code's verdict."""
    for kind in (PermanentError, TransientError, OutageError):
        if kind.verdict is VERDICTS[code]:
            return kind(code, message)
    raise ValueError(f"{code} is no error")


def _judged(error: Exception, uri: str, place: Place) -> JobError:
    code, meaning = TABLES[place][_fault_at(uri, error)]
    return job_error(code, f"{uri}: {meaning} ({words_of(error)})")


def _fault_at(uri: str, error: Exception) -> Fault:
    fault = fault_of(error)
    # VersityGW breaks on such a name (500), and would do so for ever.
    is_broken_by_name = "\0" in uri and isinstance(error, boto.ClientError) and fault is Fault.UNAVAILABLE
    return Fault.BAD_KEY if is_broken_by_name else fault


def _words(error: Exception) -> str:
    if isinstance(error, boto.ClientError):
        answer = error.response.get("Error", {})
        return f"{answer.get('Code') or 'no code'}: {answer.get('Message') or 'no message'}"
    text = str(error) or type(error).__name__
    # Botocore says that a connection failed, and only what it wraps says why: no such name, nobody listens, no file.
    cause = str(getattr(error, "kwargs", {}).get("error") or "")
    return text if cause in text else f"{text}: {cause}"
