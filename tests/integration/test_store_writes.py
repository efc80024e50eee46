"""What the S3 adapter makes of the answers to its writes, and which stores it refuses at start."""

from __future__ import annotations

import hashlib

import pytest
from aiohttp import web

from consumer.adapters.s3_store import OwnPlaces, probe_conditional_writes
from consumer.core.failures import ExitCode, FatalError, JobError, OutageError
from contracts.errors import ErrorCode
from tests.integration.odd_stores import ETAG, URI, refusing, store_on

STATE = "s3://bucket/.steno/"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "AccessDenied", ErrorCode.OUTPUT_FORBIDDEN),
        (404, "NoSuchBucket", ErrorCode.OUTPUT_FORBIDDEN),
        (503, "SlowDown", ErrorCode.STORAGE_THROTTLED),
        (400, "ExpiredToken", ErrorCode.CREDENTIALS_EXPIRED),
        (400, "NobodyKnows", ErrorCode.INTERNAL),
    ],
)
async def test_an_answer_to_a_write_or_read_has_one_code(status: int, code: str, expected: ErrorCode) -> None:
    async with store_on(refusing(status, code)) as store:
        for call in (
            store.read(URI),
            store.write(URI, b"", "text/plain"),
            store.create(URI, b"", "text/plain"),
            store.replace(URI, b"", "text/plain", etag="x"),
        ):
            with pytest.raises(JobError) as caught:
                await call
            assert caught.value.code is expected


async def test_a_bucket_of_our_own_that_is_gone_is_waited_for() -> None:
    async with store_on(refusing(404, "NoSuchBucket"), own=OwnPlaces(results="s3://bucket/")) as store:
        with pytest.raises(OutageError, match="create it, or change STENO_S3__RESULTS"):
            await store.write(URI, b"", "text/plain")


async def test_a_proxy_that_lost_its_store_is_an_outage_and_no_empty_place() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=404, text="default backend - 404")

    async with store_on(handler) as store:
        with pytest.raises(OutageError):
            await store.read(URI)


async def test_a_conflict_between_writers_is_tried_again() -> None:
    count = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        await request.read()
        return (
            await refusing(409, "ConditionalRequestConflict")(request)
            if count < 3
            else web.Response(headers={"ETag": ETAG})
        )

    async with store_on(handler) as store:
        assert await store.create(URI, b"x", "text/plain")
    assert count == 3


async def test_a_body_is_sent_without_waiting_for_leave() -> None:
    expectations: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        expectations.append(request.headers.get("Expect"))
        await request.read()
        return web.Response(headers={"ETag": ETAG})

    async with store_on(handler) as store:
        await store.write(URI, b"x", "text/plain")
    assert expectations == [None]


async def test_a_replacement_whose_answer_was_lost_still_counts() -> None:
    held = b"before"

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal held
        if request.method == "GET":
            return web.Response(body=held, headers={"ETag": '"after"'})
        if held == b"after":
            return await refusing(412, "PreconditionFailed")(request)
        held = await request.read()
        return await refusing(500, "InternalError")(request)

    async with store_on(handler) as store:
        assert await store.replace(URI, b"after", "text/plain", etag="before") == "after"


async def test_a_store_that_overwrites_in_spite_of_conditions_is_refused_at_start() -> None:
    """Garage answers 200 to `If-None-Match: *` and overwrites."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(headers={"ETag": hashlib.md5(await request.read(), usedforsecurity=False).hexdigest()})

    async with store_on(handler) as store:
        with pytest.raises(FatalError, match="If-None-Match") as caught:
            await probe_conditional_writes(store, STATE, "token")
    assert caught.value.exit_code is ExitCode.STORE_UNFIT


@pytest.mark.parametrize("is_deaf", [True, False])
async def test_a_store_that_minds_only_some_conditions_is_refused_at_start(is_deaf: bool) -> None:  # noqa: FBT001
    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        refuses = "If-None-Match" in request.headers or ("If-Match" in request.headers and not is_deaf)
        if refuses:
            return await refusing(412, "PreconditionFailed")(request)
        return web.Response(headers={"ETag": '"always"'}, body=b"probe" if request.method == "GET" else b"")

    async with store_on(handler) as store:
        with pytest.raises(FatalError, match="If-Match") as caught:
            await probe_conditional_writes(store, STATE, "token")
    assert caught.value.exit_code is ExitCode.STORE_UNFIT


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "says"),
    [
        (404, "NoSuchBucket", ExitCode.UNAVAILABLE, "bucket 'bucket' does not exist.*STENO_S3__STATE"),
        (403, "AccessDenied", ExitCode.REFUSED, "s3:PutObject"),
        (403, "InvalidAccessKeyId", ExitCode.REFUSED, "renew them"),
        (503, "ServiceUnavailable", ExitCode.UNAVAILABLE, "AWS_ENDPOINT_URL_S3"),
        (400, "InvalidRequest", ExitCode.STORE_UNFIT, "InvalidRequest"),
        (501, "NotImplemented", ExitCode.STORE_UNFIT, "unfit for state"),
        (301, "PermanentRedirect", ExitCode.UNAVAILABLE, "AWS_REGION"),
    ],
)
async def test_the_probe_says_what_to_do(status: int, code: str, exit_code: ExitCode, says: str) -> None:
    async with store_on(refusing(status, code), own=OwnPlaces(state=STATE)) as store:
        with pytest.raises(FatalError, match=says) as caught:
            await probe_conditional_writes(store, STATE, "token")
    assert caught.value.exit_code is exit_code
    assert "\n" not in caught.value.message
