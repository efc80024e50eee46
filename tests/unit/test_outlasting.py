"""The handler's store and engine: what is repeated alone, and what others learn from it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

import pytest

from consumer.core.failures import OutageError
from consumer.core.outages import Dependency
from consumer.gates import Waiting
from consumer.outlasting import HeededEngine, PatientStore
from consumer.patience import Patience
from contracts.errors import ErrorCode
from contracts.requests import Input, Options
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.fakes.store import FakeStore

URI = "s3://results/job/transcript.json"
AWAY = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")


@pytest.fixture
def patience() -> Patience:
    return Patience(Waiting(sleep=lambda _: asyncio.sleep(0), jitter=lambda: 0.0))


async def test_each_call_of_the_store_is_repeated_alone(patience: Patience) -> None:
    inner = FakeStore()
    store = PatientStore(inner, patience)
    for method in ("create", "read", "replace", "write"):
        inner.fail_next(method, AWAY, AWAY)

    assert await store.create(URI, b"one", "text/plain")
    found = await store.read(URI)
    assert found is not None
    assert await store.replace(URI, b"two", "text/plain", etag=found.etag) is not None
    await store.write(URI, b"three", "text/plain")
    assert inner.objects[URI] == b"three"
    assert [method for method, _ in inner.calls] == [
        name for name in ("create", "read", "replace", "write") for _ in range(3)
    ]


async def test_a_download_that_an_outage_cut_begins_with_an_empty_file(patience: Patience) -> None:
    inner = FakeStore()
    inner.put("s3://media/a.mp3", b"hello")
    inner.fail_next("fetch", AWAY)
    media = io.BytesIO(b"the first half of something longer")
    media.seek(0, io.SEEK_END)
    fetched = await PatientStore(inner, patience).fetch(Input(uri="s3://media/a.mp3"), media, max_bytes=100)

    assert (media.getvalue(), fetched.size_bytes) == (b"hello", 5)


async def test_a_full_disk_is_left_to_whoever_can_close_the_file(patience: Patience) -> None:
    inner = FakeStore()
    inner.fail_next("fetch", OutageError(ErrorCode.SCRATCH_FULL, "full"))
    with pytest.raises(OutageError, match="full"):
        await PatientStore(inner, patience).fetch(Input(uri="s3://media/a.mp3"), io.BytesIO(), max_bytes=100)


async def test_a_job_that_begins_shows_that_its_model_is_there(patience: Patience) -> None:
    begun, full = asyncio.Event(), OutageError(ErrorCode.MODEL_LOAD_FAILED, "no memory")
    waiting = asyncio.create_task(patience.outlast("handle", _failing_until(begun, full), model="small"))
    await asyncio.sleep(0)
    assert patience.outages
    engine = FakeEngine()
    with await FakeDecoder().decode(io.BytesIO(b"hello")) as recording:
        await HeededEngine(engine, patience).transcribe(
            recording.tracks[0], Options(model="small"), lambda _: None, on_begun=begun.set
        )

    assert begun.is_set()
    assert not patience.outages
    await waiting


def _failing_until(event: asyncio.Event, error: OutageError) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        if not event.is_set():
            raise error

    return call


async def test_what_other_buckets_answer_ends_no_outage_of_the_state() -> None:
    may_wake = asyncio.Event()

    async def sleep(_: float) -> None:
        await may_wake.wait()

    patience = Patience(Waiting(sleep=sleep, jitter=lambda: 0.0))
    state, results = FakeStore(), FakeStore()
    state.fail_next("create", AWAY)
    taking = asyncio.create_task(
        PatientStore(state, patience, stands_for=Dependency.STATE).create(URI, b"", "text/plain")
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert patience.pauses[ErrorCode.STORAGE_UNAVAILABLE]
    await PatientStore(results, patience).read(URI)
    assert patience.pauses[ErrorCode.STORAGE_UNAVAILABLE]
    may_wake.set()
    async with asyncio.timeout(5):
        assert await taking
    assert not any(patience.pauses.values())
