"""Where things live in object storage, and which places a request may touch.

Keys are raw: S3 resolves no `..`, so `a/../b` is an object of that very name. Proxies, path-style clients and some
stores do resolve it, so such a key counts as outside of every prefix. What we write has no empty segment either:
some stores fold `k//a` into `k/a`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final

from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode
from contracts.requests import JOB_ID_PATTERN, split_s3_uri
from contracts.state import NO_TENANT

TRANSCRIPT_NAME: Final = "transcript.json"
MANIFEST_NAME: Final = "manifest.json"

_SHARED: Final = "_shared"
_MAX_KEY_BYTES: Final = 1024
_NAME: Final = re.compile(JOB_ID_PATTERN)
_DOTS: Final = frozenset((".", ".."))


def result_prefix(output_uri: str, job_id: str) -> str:
    """Where a job's result set lies, with a slash at its end.

    A job id begins with a letter or digit, so no result set ever meets `.steno/` beside it.

    Raises:
        PermanentError: `REQUEST_INVALID`; a key below would be longer than S3 allows.
        ValueError: not a job id or not a prefix; a defect of the caller.
    """
    return f"{_below(output_uri, _named(job_id))}/"


def result_uri(output_uri: str, job_id: str, name: str) -> str:
    """One file of a job's result set; raises as `result_prefix` does."""
    return _below(output_uri, _named(job_id), _named(name))


def transcript_uri(output_uri: str, job_id: str) -> str:
    """The file that is written first, once; raises as `result_prefix` does."""
    return result_uri(output_uri, job_id, TRANSCRIPT_NAME)


def manifest_uri(output_uri: str, job_id: str) -> str:
    """The file that is written last; raises as `result_prefix` does."""
    return result_uri(output_uri, job_id, MANIFEST_NAME)


def state_uri(state_prefix: str, tenant: str | None, job_id: str, name: str) -> str:
    """One object by which workers and commands speak about a job: its lease, its status, its cancel marker.

    A tenant's name begins with a letter or digit as a job id does, so none is `-`, which stands for no tenant, and
    none meets what else lies under the prefix.

    Raises:
        PermanentError: `REQUEST_INVALID`; a key would be longer than S3 allows.
        ValueError: a part cannot be a segment of a key; a defect of the caller.
    """
    return _below(state_prefix, NO_TENANT if tenant is None else _named(tenant), _named(job_id), _named(name))


def shared_uri(state_prefix: str, tenant: str | None, digest: str) -> str:
    """Where jobs of one tenant that ask for the same find each other; raises as `state_uri` does.

    Beside all tenants' folders and not in one of them: no job's folder is ever met, and one lifecycle rule of the
    bucket covers all.
    """
    return _below(state_prefix, _SHARED, NO_TENANT if tenant is None else _named(tenant), _named(digest))


def is_under(uri: str, prefix: str) -> bool:
    """Whether an object or prefix lies under a prefix, by whole segments: `s3://b/call` does not hold `s3://b/calls`.

    Nor does it hold an object `s3://b/call`: to S3 that is beside the prefix, not in it.

    Raises:
        ValueError: one of them is no S3 URI.
    """
    bucket, key = split_s3_uri(uri)
    prefix_bucket, prefix_key = split_s3_uri(prefix)
    segments = key.split("/")
    wanted = prefix_key.removesuffix("/").split("/") if prefix_key else []
    is_below = len(segments) > len(wanted) and segments[: len(wanted)] == wanted
    return bucket == prefix_bucket and _DOTS.isdisjoint(segments) and is_below


def could_reach(uri: str, prefix: str) -> bool:
    """Whether an object lies under a prefix, or is it, where a store tidies keys up like paths.

    For what must not be touched.

    Raises:
        ValueError: one of them is no S3 URI.
    """
    bucket, key = split_s3_uri(uri)
    tidy = posixpath.normpath(f"/{key}").lstrip("/")
    tidied = f"s3://{bucket}/{tidy}"
    return is_under(uri, prefix) or is_under(tidied, prefix) or tidied == prefix.removesuffix("/")


def is_allowed(uri: str, prefixes: Iterable[str]) -> bool:
    """Whether an object or prefix lies under one of the prefixes; no prefixes allow everything."""
    known = tuple(prefixes)
    return not known or any(is_under(uri, prefix) for prefix in known)


def split_writable(uri: str) -> tuple[str, str]:
    """Bucket and key of an object that we may write.

    Raises:
        ValueError: the key has an empty, `.` or `..` segment or is too long; a defect of the caller.
    """
    bucket, key = split_s3_uri(uri)
    segments = key.split("/")
    if "" in segments or not _DOTS.isdisjoint(segments):
        raise ValueError(f"will not write {uri!r}: its key has an empty, '.' or '..' segment")
    return bucket, key


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a segment of a key")
    return name


def _below(prefix: str, *names: str) -> str:
    bucket, key = split_s3_uri(prefix)
    whole = "/".join((key.removesuffix("/"), *names)) if key else "/".join(names)
    size = len(whole.encode())
    if size > _MAX_KEY_BYTES:
        advice = f"the output prefix makes keys of {size} bytes and S3 allows {_MAX_KEY_BYTES}; shorten it"
        raise PermanentError(ErrorCode.REQUEST_INVALID, advice)
    uri = f"s3://{bucket}/{whole}"
    split_writable(uri)
    return uri
