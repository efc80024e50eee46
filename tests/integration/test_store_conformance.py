"""What the store port promises, held by the fake and by real S3 alike."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aioboto3
import pytest

from consumer.adapters.s3_store import S3Store, probe_conditional_writes
from consumer.core.failures import JobError
from consumer.ports import Store
from contracts.errors import ErrorCode
from contracts.requests import Input
from tests.fakes.store import FakeStore
from tests.stack.store import S3Address
from tests.waiting import until

BODY = b"speech " * 100_000
ODD_KEYS = (
    "plain.mp3",
    "a b+c%2F&=?#.mp3",
    "日本語/ä.wav",
    "deep/er/than/one",
    "trailing.",
    "a/b=c;d:e@f,g'h(1)!*.m4a",
)

NAMES_OF_FILES = ("call.mp3/below", "tree", "a\0b", "s" * 300, "a\\..\\b")
"""Objects to S3; not so to stores that keep objects as files, where `call.mp3` and `tree/x` lie already."""


@dataclass(frozen=True)
class Bench:
    """A store under test with a place of its own and a producer's hand."""

    store: Store
    prefix: str
    put: Callable[[str, bytes], Awaitable[str | None]]

    def uri(self, key: str = "call.mp3") -> str:
        return f"{self.prefix}{key}"


@pytest.fixture
async def memory() -> Bench:
    store = FakeStore()

    async def put(uri: str, body: bytes) -> str:
        return store.put(uri, body)

    return Bench(store, "s3://some-bucket/some/", put)


@pytest.fixture
async def s3(s3_address: S3Address, bucket: str) -> AsyncIterator[Bench]:
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with (
        session.client("s3", endpoint_url=s3_address.endpoint) as producer,
        S3Store(session, endpoint_url=s3_address.endpoint) as store,
    ):
        await producer.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

        async def put(uri: str, body: bytes) -> str | None:
            key = uri.removeprefix(f"s3://{bucket}/")
            return (await producer.put_object(Bucket=bucket, Key=key, Body=body)).get("VersionId")

        yield Bench(store, f"s3://{bucket}/some/", put)


@pytest.fixture(params=["memory", "s3"])
def bench(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(request.param)
    return found


async def fetched(bench: Bench, source: Input, max_bytes: int = 2**30) -> bytes:
    into = io.BytesIO()
    await bench.store.fetch(source, into, max_bytes=max_bytes)
    return into.getvalue()


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_an_object_is_fetched_whole_whatever_its_key(bench: Bench, key: str) -> None:
    await bench.put(bench.uri(key), BODY)
    assert await fetched(bench, Input(uri=bench.uri(key))) == BODY


async def test_a_fetch_says_exactly_what_it_got(bench: Bench) -> None:
    await bench.put(bench.uri(), BODY)
    got = await bench.store.fetch(Input(uri=bench.uri()), io.BytesIO(), max_bytes=len(BODY))
    assert (got.size_bytes, got.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert got.etag == hashlib.md5(BODY, usedforsecurity=False).hexdigest()


async def test_an_empty_object_is_an_object(bench: Bench) -> None:
    await bench.put(bench.uri(), b"")
    assert await fetched(bench, Input(uri=bench.uri())) == b""


async def test_the_version_asked_for_is_the_one_fetched(bench: Bench) -> None:
    first = await bench.put(bench.uri(), b"first")
    await bench.put(bench.uri(), b"second")
    got = await bench.store.fetch(Input(uri=bench.uri(), version_id=first), io.BytesIO(), max_bytes=10)
    assert (got.version_id, got.sha256) == (first, hashlib.sha256(b"first").hexdigest())
    assert await fetched(bench, Input(uri=bench.uri())) == b"second"


@pytest.mark.parametrize("quote", ["", '"'])
async def test_an_etag_fits_with_and_without_quotes(bench: Bench, quote: str) -> None:
    await bench.put(bench.uri(), BODY)
    etag = quote + hashlib.md5(BODY, usedforsecurity=False).hexdigest() + quote
    assert await fetched(bench, Input(uri=bench.uri(), etag=etag)) == BODY


async def failure(bench: Bench, source: Input, max_bytes: int = 2**30) -> JobError:
    into = io.BytesIO()
    with pytest.raises(JobError) as caught:
        await bench.store.fetch(source, into, max_bytes=max_bytes)
    assert into.getvalue() == b""
    return caught.value


async def test_another_etag_is_a_changed_input(bench: Bench) -> None:
    await bench.put(bench.uri(), BODY)
    error = await failure(bench, Input(uri=bench.uri(), etag="0" * 32))
    assert error.code is ErrorCode.INPUT_CHANGED


async def test_a_missing_object_may_still_come(bench: Bench) -> None:
    error = await failure(bench, Input(uri=bench.uri("missing")))
    assert error.code is ErrorCode.INPUT_NOT_FOUND


async def test_one_byte_too_many_is_too_large(bench: Bench) -> None:
    await bench.put(bench.uri(), BODY)
    error = await failure(bench, Input(uri=bench.uri()), max_bytes=len(BODY) - 1)
    assert error.code is ErrorCode.INPUT_TOO_LARGE


async def test_what_is_not_there_reads_as_none(bench: Bench) -> None:
    assert await bench.store.read(bench.uri("missing")) is None


async def test_what_was_written_is_read(bench: Bench) -> None:
    await bench.store.write(bench.uri("x.json"), b"1", "application/json")
    await bench.store.write(bench.uri("x.json"), b"2", "application/json")
    found = await bench.store.read(bench.uri("x.json"))
    assert found is not None
    assert found.body == b"2"


async def test_the_age_of_an_object_is_told_by_the_stores_own_clock(bench: Bench) -> None:
    await bench.store.create(bench.uri("lease"), b"1", "text/plain")
    since = asyncio.get_running_loop().time()

    async def age_s() -> float:
        found = await bench.store.read(bench.uri("lease"))
        assert found is not None
        assert found.age_s is not None
        waited_s = asyncio.get_running_loop().time() - since
        assert abs(found.age_s - waited_s) <= 1.5
        return found.age_s

    async def is_older() -> bool:
        return await age_s() > 0

    assert await age_s() <= 1
    await until(is_older, "the object grows older", within_s=5, every_s=0.2)
    await bench.store.write(bench.uri("lease"), b"2", "text/plain")
    since = asyncio.get_running_loop().time()
    assert await age_s() <= 1


async def test_only_the_first_creation_counts(bench: Bench) -> None:
    assert await bench.store.create(bench.uri("x"), b"first", "text/plain")
    assert not await bench.store.create(bench.uri("x"), b"second", "text/plain")
    found = await bench.store.read(bench.uri("x"))
    assert found is not None
    assert found.body == b"first"


async def test_one_of_many_creators_wins_and_all_read_its_bytes(bench: Bench) -> None:
    bodies = [str(number).encode() for number in range(16)]
    won = await asyncio.gather(*(bench.store.create(bench.uri("race"), body, "text/plain") for body in bodies))
    found = await bench.store.read(bench.uri("race"))
    assert found is not None
    assert [body for body, has_won in zip(bodies, won, strict=True) if has_won] == [found.body]


async def test_a_replacement_needs_the_current_etag(bench: Bench) -> None:
    created = await bench.store.create(bench.uri("lease"), b"a", "text/plain")
    first = await bench.store.read(bench.uri("lease"))
    assert first is not None
    assert created == first.etag
    second = await bench.store.replace(bench.uri("lease"), b"b", "text/plain", etag=first.etag)
    assert second is not None
    assert await bench.store.replace(bench.uri("lease"), b"c", "text/plain", etag=first.etag) is None
    assert await bench.store.replace(bench.uri("lease"), b"d", "text/plain", etag=second) is not None
    found = await bench.store.read(bench.uri("lease"))
    assert found is not None
    assert found.body == b"d"


async def test_what_is_gone_is_not_replaced(bench: Bench) -> None:
    assert await bench.store.replace(bench.uri("gone"), b"x", "text/plain", etag="0" * 32) is None
    assert await bench.store.read(bench.uri("gone")) is None


@pytest.mark.parametrize("key", ["a//b", "a/", "a/../b"])
async def test_an_odd_key_is_never_written(bench: Bench, key: str) -> None:
    with pytest.raises(ValueError, match="will not write"):
        await bench.store.write(bench.uri(key), b"", "text/plain")
    with pytest.raises(ValueError, match="will not write"):
        await bench.store.create(bench.uri(key), b"", "text/plain")
    with pytest.raises(ValueError, match="will not write"):
        await bench.store.replace(bench.uri(key), b"", "text/plain", etag="0")


@pytest.mark.parametrize("name", NAMES_OF_FILES)
async def test_an_object_that_cannot_be_held_is_the_requests_fault_and_no_outage(bench: Bench, name: str) -> None:
    await bench.put(bench.uri(), b"above")
    await bench.put(bench.uri("tree/x"), b"below")
    try:
        assert await bench.store.create(bench.uri(name), b"x", "text/plain")
        await bench.store.write(bench.uri(name), b"y", "text/plain")
    except JobError as exc:
        assert exc.code is ErrorCode.REQUEST_INVALID  # noqa: PT017 - a store may also hold it
        assert (await failure(bench, Input(uri=bench.uri(name)))).code in {
            ErrorCode.REQUEST_INVALID, ErrorCode.INPUT_NOT_FOUND
        }  # fmt: skip
    else:
        assert await fetched(bench, Input(uri=bench.uri(name))) == b"y"


async def test_a_fit_store_passes_the_probe_again_and_again(bench: Bench) -> None:
    await probe_conditional_writes(bench.store, bench.prefix, "first start")
    await probe_conditional_writes(bench.store, bench.prefix, "second start")
    await probe_conditional_writes(bench.store, bench.prefix, "second start")  # one id, so one token
    await asyncio.gather(*(probe_conditional_writes(bench.store, bench.prefix, f"of many {n}") for n in range(8)))
    assert await bench.store.read(f"{bench.prefix}probe") is not None
