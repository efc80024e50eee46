"""What the S3 adapter makes of a store that misbehaves, played by a small server of our own."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping

import aioboto3
import pytest
from aiohttp import web

from consumer.adapters.s3_store import Limits, S3Store, StoreConfig
from consumer.core.failures import OutageError, PermanentError
from contracts.errors import ErrorCode
from contracts.requests import Input
from tests.integration.odd_stores import BODY, ETAG, LIMITS, URI, Handler, failure_of, refusing, store_on


async def cut_after(request: web.Request, start: int, size: int, headers: Mapping[str, str]) -> web.StreamResponse:
    """Announces the rest from `start`, sends `size` bytes of it and hangs up."""
    ranged = {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
    announced = {"Content-Length": str(len(BODY) - start)}
    response = web.StreamResponse(status=206 if start else 200, headers={**headers, **announced, **ranged})
    await response.prepare(request)
    await response.write(BODY[start : start + size])
    if size < len(BODY) - start and request.transport is not None:
        await asyncio.sleep(0)
        request.transport.close()
    return response


def start_of(request: web.Request) -> int:
    return int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


async def test_a_cut_download_goes_on_where_it_was_cut() -> None:
    seen: list[tuple[int, str | None]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((start_of(request), request.headers.get("If-Match")))
        return await cut_after(request, start_of(request), 2 * 1024 * 1024, {"ETag": ETAG})

    into = io.BytesIO()
    async with store_on(handler) as store:
        got = await store.fetch(Input(uri=URI), into, max_bytes=len(BODY))
    assert into.getvalue() == BODY
    assert (got.size_bytes, got.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert seen[0] == (0, None)
    assert len(seen) > 1
    assert all(start > 0 and condition == ETAG for start, condition in seen[1:])


async def test_a_download_that_is_cut_again_and_again_is_an_outage() -> None:
    count = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        return await cut_after(request, start_of(request), 1000, {"ETag": ETAG})

    async with store_on(handler) as store:
        error = await failure_of(store)
    assert error.code is ErrorCode.STORAGE_UNAVAILABLE
    assert count == 1 + LIMITS.resumes


async def test_a_download_that_gets_on_between_cuts_comes_to_its_end() -> None:
    starts: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        starts.append(start_of(request))
        return await cut_after(request, start_of(request), 400_000, {"ETag": ETAG})

    into = io.BytesIO()
    async with store_on(handler, Limits(call_s=20, slowest_bytes_per_s=1000)) as store:
        await store.fetch(Input(uri=URI), into, max_bytes=len(BODY))
    assert into.getvalue() == BODY
    assert len(starts) > 1 + LIMITS.resumes


def sending(piece: int, pause_s: float) -> Handler:
    """A store that sends the body piece by piece for as long as somebody listens."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": ETAG, "Content-Length": str(len(BODY))})
        await response.prepare(request)
        for start in range(0, len(BODY), piece):
            await response.write(BODY[start : start + piece])
            await asyncio.sleep(pause_s)
        return response

    return handler


async def test_a_store_that_drips_is_given_up_however_large_the_object_may_be() -> None:
    async with store_on(sending(1, 0.02), Limits(call_s=0.5)) as store:
        async with asyncio.timeout(10):
            assert (await failure_of(store, max_bytes=2**40)).code is ErrorCode.STORAGE_UNAVAILABLE
            with pytest.raises(OutageError, match="does not answer"):
                await store.read(URI)


async def test_a_steady_download_may_take_longer_than_one_call() -> None:
    limits = Limits(call_s=0.5, slowest_bytes_per_s=100_000)
    into = io.BytesIO()
    async with store_on(sending(150_000, 0.05), limits) as store:
        started = asyncio.get_running_loop().time()
        await store.fetch(Input(uri=URI), into, max_bytes=2**40)
    assert into.getvalue() == BODY
    assert asyncio.get_running_loop().time() - started > limits.call_s


async def test_an_object_overwritten_while_it_is_fetched_is_a_changed_input() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if start_of(request):
            return await refusing(412, "PreconditionFailed")(request)
        return await cut_after(request, 0, 100_000, {"ETag": ETAG})

    async with store_on(handler) as store:
        assert (await failure_of(store)).code is ErrorCode.INPUT_CHANGED


async def test_a_store_that_ignores_conditions_cannot_mix_two_objects() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        etag = '"another"' if start_of(request) else ETAG
        return await cut_after(request, start_of(request), 100_000, {"ETag": etag})

    async with store_on(handler) as store:
        assert (await failure_of(store)).code is ErrorCode.INPUT_CHANGED


async def test_a_store_that_does_not_resume_is_an_outage() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await cut_after(request, 0, 100_000, {"ETag": ETAG})

    async with store_on(handler) as store:
        assert (await failure_of(store)).code is ErrorCode.STORAGE_UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (503, "SlowDown", ErrorCode.STORAGE_THROTTLED),
        (503, "ServiceUnavailable", ErrorCode.STORAGE_UNAVAILABLE),
        (500, "InternalError", ErrorCode.STORAGE_UNAVAILABLE),
        (400, "ExpiredToken", ErrorCode.CREDENTIALS_EXPIRED),
        (403, "InvalidAccessKeyId", ErrorCode.CREDENTIALS_EXPIRED),
        (403, "SignatureDoesNotMatch", ErrorCode.CREDENTIALS_EXPIRED),
        (403, "AccessDenied", ErrorCode.INPUT_FORBIDDEN),
        (403, "InvalidObjectState", ErrorCode.INPUT_FORBIDDEN),
        (404, "NoSuchBucket", ErrorCode.INPUT_NOT_FOUND),
        (404, "NoSuchVersion", ErrorCode.INPUT_NOT_FOUND),
        (405, "MethodNotAllowed", ErrorCode.INPUT_NOT_FOUND),
        (400, "InvalidArgument", ErrorCode.REQUEST_INVALID),
        (400, "InvalidRequest", ErrorCode.REQUEST_INVALID),
        (418, "NobodyKnows", ErrorCode.INTERNAL),
    ],
)
async def test_an_answer_to_a_fetch_has_one_code(status: int, code: str, expected: ErrorCode) -> None:
    async with store_on(refusing(status, code)) as store:
        error = await failure_of(store)
    assert error.code is expected
    assert URI in error.message


async def test_an_etag_that_no_header_carries_is_no_outage() -> None:
    async with store_on(refusing(500, "InternalError")) as store:
        with pytest.raises(PermanentError) as caught:
            await store.fetch(Input.model_construct(uri=URI, etag="a\nb"), io.BytesIO(), max_bytes=1)
    assert caught.value.code is ErrorCode.REQUEST_INVALID


async def test_the_message_of_a_forbidden_input_explains_aws() -> None:
    async with store_on(refusing(403, "AccessDenied")) as store:
        assert "s3:ListBucket" in (await failure_of(store)).message


async def test_a_silent_store_is_an_outage() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with store_on(handler, Limits(call_s=0.5)) as store:
        assert (await failure_of(store, max_bytes=1)).code is ErrorCode.STORAGE_UNAVAILABLE
        with pytest.raises(OutageError, match="does not answer"):
            await store.read(URI)


async def test_a_store_that_is_not_there_is_an_outage() -> None:
    session = aioboto3.Session("key", "secret", region_name="us-east-1")
    async with S3Store(session, endpoint_url="http://127.0.0.1:1", config=StoreConfig(limits=LIMITS)) as store:
        assert (await failure_of(store)).code is ErrorCode.STORAGE_UNAVAILABLE


async def test_a_full_disk_is_an_outage_of_ours() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await cut_after(request, 0, len(BODY), {"ETag": ETAG})

    async with store_on(handler) as store:
        with open("/dev/full", "wb", buffering=0) as into, pytest.raises(OutageError, match="No space left") as caught:  # noqa: ASYNC230, PTH123 - a device, and unbuffered
            await store.fetch(Input(uri=URI), into, max_bytes=len(BODY))
    assert caught.value.code is ErrorCode.SCRATCH_FULL
