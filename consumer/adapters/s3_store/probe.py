"""Whether the store keeps the promise that everything stands on: a condition on a write is honoured."""

from __future__ import annotations

import uuid

from consumer.adapters.s3_store.errors import fault_behind
from consumer.adapters.s3_store.faults import Fault
from consumer.core.failures import ExitCode, FatalError, JobError
from consumer.ports import Store
from contracts.errors import ErrorCode, Verdict
from contracts.requests import split_s3_uri

_CONTENT_TYPE = "text/plain"
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role (AWS's usual places)"
_SETTINGS = "STENO_S3__STATE (or STENO_S3__RESULTS, under which state lies unless said)"


async def probe_conditional_writes(store: Store, state_prefix: str, token: str) -> None:
    """Refuses a store that overwrites where it must not.

    Every worker probes the same object, `probe`, and leaves it there: a worker has no right to delete, and one object
    for each start would be litter. So others may probe it at the same moment.

    Args:
        store: the store to judge.
        state_prefix: where state lies, with a slash at its end.
        token: written into the object, so that a person sees who came last.

    Raises:
        FatalError: `STORE_UNFIT`; `UNAVAILABLE` (no answer, no bucket); `REFUSED` (credentials).
    """
    uri = f"{state_prefix}probe"
    token = f"{token} {uuid.uuid4().hex}"  # equal bodies have equal ETags, and then no If-Match is stale
    try:
        await _probe_create(store, uri, token)
        await _probe_replace(store, uri, token)
    except JobError as exc:
        raise _fatal(exc, state_prefix) from exc


async def _probe_create(store: Store, uri: str, token: str) -> None:
    await store.create(uri, b"steno", _CONTENT_TYPE)
    if await store.create(uri, f"{token} create".encode(), _CONTENT_TYPE):
        raise _unfit("it overwrites an object in spite of If-None-Match: *")


async def _probe_replace(store: Store, uri: str, token: str) -> None:
    found = await store.read(uri)
    if found is None:
        raise _unfit("an object that was just written cannot be read")
    if await store.replace(uri, f"{token} first".encode(), _CONTENT_TYPE, etag=found.etag) is None:
        await _check_overtaken(store, uri, found.etag)
    elif await store.replace(uri, f"{token} second".encode(), _CONTENT_TYPE, etag=found.etag) is not None:
        raise _unfit("it overwrites an object in spite of a stale If-Match")


async def _check_overtaken(store: Store, uri: str, etag: str) -> None:
    # Refused, and rightly so if another worker's probe came between: then that was the stale If-Match.
    found = await store.read(uri)
    if found is not None and found.etag == etag:
        raise _unfit("it refuses an If-Match that names the object's own ETag")


def _unfit(fault: str) -> FatalError:
    advice = "use a store with conditional writes (AWS S3, MinIO, VersityGW, LocalStack)"
    return FatalError(ExitCode.STORE_UNFIT, f"the object store is unfit: {fault}; {advice}")


def _fatal(error: JobError, state_prefix: str) -> FatalError:
    bucket, _ = split_s3_uri(state_prefix)
    fault = fault_behind(error)
    if fault is Fault.NO_BUCKET:
        return FatalError(ExitCode.UNAVAILABLE, f"bucket {bucket!r} does not exist; create it or change {_SETTINGS}")
    if error.code is ErrorCode.CREDENTIALS_EXPIRED:
        return FatalError(ExitCode.REFUSED, f"the object store does not know us: {error.message}; {_CREDENTIALS}")
    if fault in {Fault.FORBIDDEN, Fault.KMS_KEY}:
        return FatalError(ExitCode.REFUSED, f"{error.message}; or change {_SETTINGS}")
    if error.verdict is Verdict.OUTAGE:
        advice = "" if "AWS_ENDPOINT_URL_S3" in error.message else "; check AWS_ENDPOINT_URL_S3 and AWS_REGION"
        return FatalError(ExitCode.UNAVAILABLE, f"{error.message}{advice}")
    return FatalError(ExitCode.STORE_UNFIT, f"the object store is unfit for state: {error.message}")
