"""The journal over a store: pages, and changes that meet."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from consumer.core.desk.entries import Deed, Entry, Page
from consumer.core.failures import ExitCode, FatalError, OutageError, PermanentError
from consumer.desk.journal import Journal
from contracts.errors import ErrorCode
from tests.fakes.store import FakeStore
from tests.make import NOW

STATE = "s3://bucket/.steno/"
FIRST = f"{STATE}-dlq/requests-dlt/id-1/2/0.json"


def make_journal(store: FakeStore, topic_id: str | None = "id-1") -> Journal:
    return Journal(store, STATE, "requests-dlt", topic_id)


async def page_of(store: FakeStore, offset: int = 7, *, topic_id: str | None = "id-1") -> Page:
    page = await make_journal(store, topic_id).page(2, offset)
    assert page is not None
    return page


def noted(offset: int, run: str = "a") -> Entry:
    return Entry(timestamp_ms=offset, deed=Deed.DROPPED, at=NOW, run=run)


def note(journal: Journal, offset: int, run: str = "a") -> asyncio.Future[Page]:
    def change(page: Page) -> Page:
        return replace(page, records={**page.records, offset: noted(offset, run)})

    return asyncio.ensure_future(journal.update(2, offset, change))


async def test_a_page_holds_a_thousand_offsets_of_a_partition() -> None:
    store = FakeStore()
    journal = make_journal(store)
    for offset in (0, 999, 1000):
        await note(journal, offset)
    assert set(store.objects) == {FIRST, f"{STATE}-dlq/requests-dlt/id-1/2/1000.json"}
    assert set((await page_of(store, 500)).records) == {0, 999}


async def test_changes_of_several_runs_all_stay() -> None:
    store = FakeStore()
    await asyncio.gather(*(note(make_journal(store), offset) for offset in range(12)))
    assert set((await page_of(store)).records) == set(range(12))


async def test_a_change_is_made_anew_where_somebody_was_faster() -> None:
    store = FakeStore()
    await note(make_journal(store), 1, "first")
    seen: list[int] = []

    def change(page: Page) -> Page:
        seen.append(len(page.records))
        if len(seen) == 1:  # between our reading and our writing
            other = replace(page, records={**page.records, 2: noted(2, "second")})
            store.put(FIRST, other.render())
        return replace(page, records={**page.records, 3: noted(3)})

    page = await make_journal(store).update(2, 3, change)
    assert seen == [1, 2]
    assert set(page.records) == {1, 2, 3}


async def test_what_changes_nothing_is_not_written() -> None:
    store = FakeStore()
    await make_journal(store).update(2, 0, lambda page: page)
    assert [method for method, _ in store.calls] == ["read"]


async def test_neighbours_are_read_once() -> None:
    store = FakeStore()
    journal = make_journal(store)
    for offset in range(1500):
        await journal.page(2, offset)
    assert len(store.calls) == 2


async def test_a_topic_made_anew_has_an_empty_journal() -> None:
    store = FakeStore()
    await note(make_journal(store), 7)
    assert (await page_of(store)).records
    assert not (await page_of(store, topic_id="id-2")).records
    assert not (await page_of(store, topic_id=None)).records


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away"), ExitCode.UNAVAILABLE),
        (OutageError(ErrorCode.CREDENTIALS_EXPIRED, "expired"), ExitCode.REFUSED),
        (PermanentError(ErrorCode.OUTPUT_FORBIDDEN, "no"), ExitCode.REFUSED),
    ],
)
@pytest.mark.parametrize("method", ["read", "create"])
async def test_a_store_that_fails_ends_the_command(
    error: OutageError | PermanentError, code: ExitCode, method: str
) -> None:
    store = FakeStore()
    store.fail_next(method, error)
    with pytest.raises(FatalError, match="journal cannot be had") as caught:
        await note(make_journal(store), 7)
    assert caught.value.exit_code is code


async def test_what_is_no_page_is_left_as_it_is() -> None:
    store = FakeStore()
    store.put(FIRST, b"something else")
    with pytest.raises(FatalError, match=r"0\.json is no page"):
        await note(make_journal(store), 7)
    assert store.objects[FIRST] == b"something else"


async def test_who_only_looks_does_without_a_store_that_is_away() -> None:
    store = FakeStore()
    store.fail_next("read", OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away"))
    journal = Journal(store, STATE, "requests-dlt", "id-1", is_needed=False)
    assert [await journal.page(2, offset) for offset in (0, 1, 5000)] == [None] * 3
    assert journal.gap is not None
    assert "away" in journal.gap
    assert len(store.calls) == 1
