"""Which markers cancel which requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from consumer.cancellation import Cancellations, describe
from consumer.core.failures import OutageError
from consumer.core.jobs import Job
from consumer.ports import StoredObject
from contracts.errors import ErrorCode
from contracts.state import CancelMarker
from tests.fakes.store import FakeStore
from tests.make import NOW, make_a_job

STATE = "s3://transcripts/.steno/"
SECOND = timedelta(seconds=1)


class HangingStore(FakeStore):
    """Never answers."""

    async def read(self, uri: str) -> StoredObject | None:  # noqa: ARG002 - the port's
        await asyncio.Event().wait()
        return None


def sent(at: datetime | None, tenant: str | None = None) -> Job:
    return replace(make_a_job(tenant=tenant), sent_at=at)


def marked(body: bytes, tenant: str = "-") -> FakeStore:
    store = FakeStore(clock=lambda: 0.0)
    store.put(f"{STATE}{tenant}/call-4711/cancel", body)
    return store


def looking_in(store: FakeStore, longest_s: float = 2.0) -> Cancellations:
    return Cancellations(store, STATE, now=lambda: NOW, longest_s=longest_s)


MARKER = CancelMarker(requested_at=NOW, by="kim@ops-1", reason="sent by mistake").model_dump_json().encode()


@pytest.mark.parametrize(
    ("sent_at", "is_found"),
    [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False), (None, True)],
    ids=["sent before", "sent then", "sent again later", "nobody knows when"],
)
async def test_a_marker_counts_for_what_was_sent_before_it(sent_at: datetime | None, is_found: bool) -> None:  # noqa: FBT001 - a table's column
    assert (await looking_in(marked(MARKER)).find(sent(sent_at)) is not None) is is_found


async def test_without_a_marker_nothing_is_cancelled() -> None:
    assert await looking_in(FakeStore()).find(sent(NOW)) is None


async def test_another_tenants_marker_is_not_ours() -> None:
    cancellations = looking_in(marked(MARKER, tenant="acme"))
    assert await cancellations.find(sent(NOW)) is None
    assert await cancellations.find(sent(NOW, tenant="acme")) is not None


@pytest.mark.parametrize("body", [b"", b"please", b'{"schema_version": 2}'])
async def test_a_marker_placed_by_hand_counts_from_when_it_was_written(body: bytes) -> None:
    cancellations = looking_in(marked(body))
    assert await cancellations.find(sent(NOW)) is not None
    assert await cancellations.find(sent(NOW + SECOND)) is None


async def test_a_store_that_is_away_cancels_nothing() -> None:
    store = marked(MARKER)
    store.fail_next("read", OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away"))
    cancellations = looking_in(store)
    assert await cancellations.find(sent(NOW)) is None
    assert await cancellations.find(sent(NOW)) is not None


async def test_a_store_that_hangs_is_not_waited_for() -> None:
    assert await looking_in(HangingStore(), longest_s=0.0).find(sent(NOW)) is None


def test_the_outcome_tells_who_asked_and_why() -> None:
    marker = CancelMarker.model_validate_json(MARKER)
    assert describe(marker) == "cancelled by kim@ops-1 at 2026-01-02T03:04:05+00:00: sent by mistake"
    assert describe(CancelMarker(requested_at=NOW)) == "cancelled at 2026-01-02T03:04:05+00:00"
