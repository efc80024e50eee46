"""The journal's pages: who has claimed what, and what is done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.desk.entries import CLAIM_LIFE, Deed, Entry, Page, Standing, read_page
from consumer.core.desk.letters import DeadLetter, read_letter
from consumer.core.intake.readings import IntakeRules
from tests.dead_letters import ours, standing_at
from tests.make import NOW, make_record

EMPTY = Page("requests-dlt", "id-1")
LATER = NOW + CLAIM_LIFE


def make_letter(offset: int = 7) -> DeadLetter:
    return read_letter(standing_at(ours(make_record()), offset), IntakeRules())


def make_claim(letter: DeadLetter, run: str = "mine", at: datetime = NOW, **fields: object) -> Entry:
    values = {"timestamp_ms": letter.timestamp_ms, "deed": Deed.REPLAYED, "at": at, "run": run, **fields}
    return Entry.model_validate(values)


def claimed(page: Page, run: str = "mine", *, at: datetime = NOW, again: bool = False, offset: int = 7) -> Page:
    letter = make_letter(offset)
    return page.claimed([(letter, make_claim(letter, run, at))], again=again)


def holder(page: Page, offset: int = 7) -> str:
    return page.records[offset].run


def test_a_claim_keeps_others_away() -> None:
    page = claimed(claimed(EMPTY, "first"), "second")
    assert holder(page) == "first"
    assert page.standing(make_letter(), NOW) is Standing.BUSY


def test_a_claim_that_is_old_is_in_doubt_and_may_be_taken_over() -> None:
    page = claimed(EMPTY, "dead")
    assert page.standing(make_letter(), LATER) is Standing.DOUBTFUL
    assert page.standing(make_letter(), LATER - timedelta(seconds=1)) is Standing.BUSY
    assert holder(claimed(page, "next", at=LATER)) == "next"


def test_what_is_done_stays_done_unless_it_is_wanted_again() -> None:
    done = claimed(EMPTY).closed("mine", [7], {}, NOW)
    assert done.standing(make_letter(), LATER) is Standing.HANDLED
    assert claimed(done, "other", at=LATER) == done
    assert holder(claimed(done, "other", again=True)) == "other"


def test_what_was_not_sent_is_as_it_was_before() -> None:
    assert claimed(EMPTY).closed("mine", [], {7: None}, NOW) == EMPTY
    done = claimed(EMPTY).closed("mine", [7], {}, NOW)
    assert claimed(done, "again", again=True).closed("again", [], {7: done.records[7]}, NOW) == done


def test_a_run_that_was_overtaken_closes_nothing_of_others() -> None:
    taken_over = claimed(claimed(EMPTY, "slow"), "quick", at=LATER)
    assert taken_over.closed("slow", [7], {}, LATER) == taken_over
    assert taken_over.closed("slow", [], {7: None}, LATER) == taken_over


def test_an_offset_of_a_topic_made_anew_is_another_record() -> None:
    done = claimed(EMPTY).closed("mine", [7], {}, NOW)
    anew = replace(make_letter(), timestamp_ms=make_letter().timestamp_ms + 1)
    assert done.standing(anew, NOW) is Standing.OPEN
    assert done.entry(anew) is None


def test_a_page_reads_as_it_was_written() -> None:
    page = claimed(claimed(EMPTY).closed("mine", [7], {}, NOW), "other", offset=12)
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
    closers: list[str] = []
    for run, act, pause_s in events:
        now += timedelta(seconds=pause_s)
        before = page
        if act == "claim":
            page = claimed(page, run, at=now)
        elif act == "close":
            page = page.closed(run, [7], {}, now)
        else:
            page = page.closed(run, [], {7: None}, now)
        if page != before and act == "close":
            closers.append(run)
            assert holder(before) == run
    assert len(closers) <= 1
    assert (page.standing(make_letter(), now) is Standing.HANDLED) == bool(closers)
