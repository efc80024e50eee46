"""The journal's pages: who has claimed what, and what is done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.desk.entries import CLAIM_LIFE, Claim, Deed, Entry, Page, Standing, read_page
from consumer.core.desk.letters import DeadLetter, read_letter
from consumer.core.intake.readings import IntakeRules
from tests.dead_letters import ours, standing_at
from tests.make import NOW, make_record

EMPTY = Page("requests-dlt", "id-1")
LATER = NOW + CLAIM_LIFE


def make_letter(offset: int = 7) -> DeadLetter:
    return read_letter(standing_at(ours(make_record()), offset), IntakeRules())


def make_claim(page: Page, run: str = "mine", *, at: datetime = NOW, offset: int = 7) -> Claim:
    """What a run that has just looked at the page would write."""
    letter = make_letter(offset)
    entry = Entry(timestamp_ms=letter.timestamp_ms, deed=Deed.REPLAYED, at=at, run=run)
    return Claim(letter, page.entry(letter), entry)


def claimed(page: Page, run: str = "mine", *, at: datetime = NOW, offset: int = 7) -> Page:
    return page.claimed([make_claim(page, run, at=at, offset=offset)])


def holder(page: Page, offset: int = 7) -> str:
    return page.records[offset].run


def test_a_claim_keeps_others_away() -> None:
    first, second = make_claim(EMPTY, "first"), make_claim(EMPTY, "second")
    page = EMPTY.claimed([first]).claimed([second])
    assert page.holds(first)
    assert not page.holds(second)
    assert page.standing(make_letter(), NOW) is Standing.BUSY


def test_a_claim_that_is_old_is_in_doubt_and_may_be_taken_over() -> None:
    page = claimed(EMPTY, "dead")
    assert page.standing(make_letter(), LATER) is Standing.DOUBTFUL
    assert page.standing(make_letter(), LATER - timedelta(seconds=1)) is Standing.BUSY
    assert holder(claimed(page, "next", at=LATER)) == "next"


def test_what_was_done_meanwhile_is_not_done_again() -> None:
    early, late = make_claim(EMPTY, "early"), make_claim(EMPTY, "late")
    done = EMPTY.claimed([early]).closed([early], [], NOW)
    assert done.standing(make_letter(), LATER) is Standing.HANDLED
    assert done.claimed([late]) == done


def test_who_knows_that_it_was_done_may_do_it_again_but_once() -> None:
    first = make_claim(EMPTY)
    done = EMPTY.claimed([first]).closed([first], [], NOW)
    again, too = make_claim(done, "again"), make_claim(done, "too")
    assert done.claimed([again]).claimed([too]).holds(again)


def test_what_was_not_sent_is_as_it_was_before() -> None:
    claim = make_claim(EMPTY)
    assert EMPTY.claimed([claim]).closed([], [claim], NOW) == EMPTY
    done = EMPTY.claimed([claim]).closed([claim], [], NOW)
    again = make_claim(done, "again")
    assert done.claimed([again]).closed([], [again], NOW) == done


def test_a_run_that_was_overtaken_closes_nothing_of_others() -> None:
    slow = make_claim(EMPTY, "slow")
    taken_over = claimed(EMPTY.claimed([slow]), "quick", at=LATER)
    assert taken_over.closed([slow], [], LATER) == taken_over
    assert taken_over.closed([], [slow], LATER) == taken_over


def test_an_offset_of_a_topic_made_anew_is_another_record() -> None:
    done = claimed(EMPTY)
    anew = replace(make_letter(), timestamp_ms=make_letter().timestamp_ms + 1)
    assert done.standing(anew, NOW) is Standing.OPEN
    assert done.entry(anew) is None


def test_a_page_reads_as_it_was_written() -> None:
    claim = make_claim(EMPTY)
    page = claimed(EMPTY.claimed([claim]).closed([claim], [], NOW), "other", offset=12)
    assert read_page(page.render()) == page


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"topic": "a", "topic_id": "b", "records": {"x": {}}}',
             EMPTY.render().replace(b'"version":1', b'"version":2')],
)  # fmt: skip
def test_what_is_no_page_is_not_taken_for_an_empty_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=":"):
        read_page(body)


def test_fields_of_a_later_version_of_this_form_are_passed_over() -> None:
    document = json.loads(claimed(EMPTY).render())
    document["records"]["7"]["colour"] = "green"
    assert read_page(json.dumps(document).encode()) == claimed(EMPTY)


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]), st.sampled_from(["claim", "close", "give back"]), st.integers(0, 400)
        ),
        max_size=30,
    )
)
def test_nothing_is_done_twice_unless_a_run_broke_off(events: list[tuple[str, str, int]]) -> None:
    """Runs come and go in any order: whoever closes a record held the claim, and one closes it."""
    page, now = EMPTY, NOW
    claims: dict[str, Claim] = {}
    closers: list[str] = []
    for run, act, pause_s in events:
        now += timedelta(seconds=pause_s)
        before = page
        if act == "claim" and page.standing(make_letter(), now) in {Standing.OPEN, Standing.DOUBTFUL}:
            claims[run] = make_claim(page, run, at=now)
            page = page.claimed([claims[run]])
        elif act == "close" and run in claims:
            page = page.closed([claims[run]], [], now)
        elif run in claims:
            page = page.closed([], [claims[run]], now)
        if page != before and act == "close":
            closers.append(run)
            assert holder(before) == run
    assert len(closers) <= 1
    assert (page.standing(make_letter(), now) is Standing.HANDLED) == bool(closers)
