"""What the table of faults says of what was seen: a broken promise must not pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.errors import ErrorCode
from contracts.events import ErrorDetail, Event, Kind, OutcomeEvent, ProgressEvent
from tests.bench.faults.evidence import Blow, Evidence, Seen, Sent
from tests.bench.faults.ledger import Row, make_row
from tests.bench.faults.promises import Bounds
from tests.bench.faults.recovery import Recovery, recovery_of

PLACE = "requests/3/7"


def make_seen(
    name: str, kind: Kind, at_s: float = 1.0, *, worker: str = "w1", partition: int = 0, **values: Any
) -> Seen:
    fields = {"job_id": name, "input": "s3://media/a", "attempt": 1, "worker": worker}
    if kind is Kind.STARTED:
        data: OutcomeEvent | ProgressEvent = ProgressEvent.model_validate({**fields, "kind": kind})
    else:
        code = values.get("code", ErrorCode.INTERNAL)
        error = ErrorDetail(code=code, message="why", retryable=True) if kind is Kind.FAILED else None
        more = {"outcome": kind, "manifest": None, "error": error, "shared_from": values.get("shared_from")}
        data = OutcomeEvent.model_validate({**fields, **more})
    event = Event(
        id=values.get("event_id", f"-/{name}/{kind}/0"), source="/steno/test", type=kind.type, time=None, subject=None,
        dataref=None, traceparent=None, tracestate=None, data=data, cause=f"requests/{partition}/7",
    )  # fmt: skip
    return Seen(at_s, event, values.get("value", b"same"))


def completed(name: str, at_s: float = 2.0, **values: Any) -> Seen:
    return make_seen(name, Kind.COMPLETED, at_s, **values)


def failed(name: str, **values: Any) -> Seen:
    return make_seen(name, Kind.FAILED, **values)


def begun(name: str, at_s: float = 1.0, **values: Any) -> Seen:
    return make_seen(name, Kind.STARTED, at_s, **values)


def judged(evidence: Evidence, bounds: Bounds | None = None) -> Row:
    return make_row("fault", "a fault", 9.87, evidence, bounds or Bounds(is_struck=False))


GOOD = Evidence(
    sent=(Sent("a"), Sent("b", ErrorCode.ENGINE_CRASHED)),
    begun=(begun("a"), begun("b")),
    ends=(completed("a"), failed("b", code=ErrorCode.ENGINE_CRASHED)),
    letters=("b",),
    whole=frozenset({"a"}),
)


def test_a_row_counts_what_was_seen() -> None:
    row = judged(replace(GOOD, ends=(*GOOD.ends, completed("a", 3.0))))
    assert (row.sent, row.completed, row.failed, row.dead_letters) == (2, 1, 1, 1)
    assert (row.outcome_events, row.repeated, row.transcriptions, row.seconds) == (3, 1, 2, 9.9)
    assert row.holds


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (replace(GOOD, ends=GOOD.ends[1:]), "lost: 1 (a)"),
        (replace(GOOD, sent=GOOD.sent[:1]), "never sent: 1 (b)"),
        (replace(GOOD, sent=(Sent("a"), Sent("b"))), "ended otherwise: 1 (b ENGINE_CRASHED)"),
        (replace(GOOD, ends=(*GOOD.ends, completed("a", value=b"other"))), "doubled: 1 (a)"),
        (replace(GOOD, ends=(*GOOD.ends, completed("a", event_id="-/a/completed/1"))), "doubled: 1 (a)"),
        (replace(GOOD, whole=frozenset()), "result set not whole: 1 (a)"),
        (replace(GOOD, letters=()), "failed without a dead letter: 1 (b)"),
        (replace(GOOD, letters=("a", "b")), "dead letter without a failed outcome: 1 (a)"),
        (replace(GOOD, lag=3), "stuck: 3 records not committed"),
        (replace(GOOD, exit_codes=(0, 70)), "stuck: exit codes [70]"),
        (replace(GOOD, remarks=("odd",)), "odd"),
    ],
)  # fmt: skip
def test_a_broken_promise_is_told(evidence: Evidence, told: str) -> None:
    row = judged(evidence)
    assert told in row.did_not_hold
    assert not row.holds


def test_a_job_with_two_ends_is_doubled() -> None:
    row = judged(replace(GOOD, ends=(*GOOD.ends, failed("a")), letters=("a", "b")))
    assert "doubled: 1 (a)" in row.did_not_hold


def test_many_names_are_cut_short() -> None:
    row = judged(Evidence(sent=[Sent(f"job-{number}") for number in range(7)]))
    assert row.did_not_hold == ["lost: 7 (job-0, job-1, job-2, job-3, job-4, …)"]


@pytest.mark.parametrize("part", ["", "/0"])
def test_bytes_without_a_job_go_by_their_place(part: str) -> None:
    end = failed("ignored", event_id=f"{PLACE}{part}/failed", partition=3, code=ErrorCode.REQUEST_INVALID)
    assert judged(Evidence(sent=(Sent(PLACE, "REQUEST_INVALID"),), ends=(end,), letters=(PLACE,))).holds


def test_a_fault_that_never_took_place_shows_nothing() -> None:
    assert judged(GOOD, Bounds()).did_not_hold == ["the fault never took place"]
    assert judged(replace(GOOD, strikes=1), Bounds()).holds


def test_transcriptions_begun_again_are_bounded() -> None:
    again = replace(GOOD, begun=(*GOOD.begun, begun("a", 1.5, worker="w2")))
    assert judged(again, Bounds(again=1, is_struck=False)).holds
    row = judged(again, Bounds(again=0, is_struck=False))
    assert row.did_not_hold == ["1 transcriptions begun again, at most 0 allowed"]


def test_a_worker_that_says_again_that_it_began_has_not_transcribed_again() -> None:
    said_again = replace(GOOD, begun=(*GOOD.begun, begun("a", 1.5)))
    assert judged(said_again).transcriptions == 2
    assert judged(replace(said_again, transcribed=("a", "a"))).transcriptions == 3


def test_a_result_counts_for_a_transcription_whose_beginning_was_not_heard_of() -> None:
    assert judged(replace(GOOD, begun=GOOD.begun[1:])).transcriptions == 2


def test_a_job_that_shares_another_ones_transcription_has_none_of_its_own() -> None:
    shared = replace(GOOD, ends=(completed("a", shared_from="other"), GOOD.ends[1]))
    assert judged(shared).transcriptions == 1
    assert judged(shared, Bounds(transcriptions=1, is_struck=False)).holds
    row = judged(GOOD, Bounds(transcriptions=1, is_struck=False))
    assert row.did_not_hold == ["2 transcriptions, at most 1 allowed"]


HIT = Evidence(
    sent=(Sent("a"), Sent("b"), Sent("c")),
    begun=(begun("a", 1.0), begun("b", 1.0, worker="w2", partition=1), begun("c", 4.0), begun("a", 14.0, worker="w2")),
    ends=(
        completed("b", 11.0, worker="w2", partition=1),
        completed("c", 13.0, worker="w2"),
        completed("a", 16.0, worker="w2"),
    ),
)  # fmt: skip


def test_recovery_counts_from_the_end_of_the_blow_for_the_partitions_that_it_hit() -> None:
    blow = Blow(at_s=3.0, over_s=10.0, victim="w1", is_fatal=True)
    assert recovery_of(blow, HIT) == Recovery(outcomes_s=3.0, begun_s=4.0, ended_s=6.0)


def test_recovery_of_a_blow_to_all_counts_every_job_in_flight() -> None:
    assert recovery_of(Blow(at_s=5.0, over_s=10.0), HIT) == Recovery(outcomes_s=1.0, begun_s=4.0, ended_s=6.0)


def test_what_a_dead_worker_is_still_heard_of_is_no_recovery() -> None:
    late = replace(HIT, ends=(completed("c", 3.1, worker="w1"), *HIT.ends))
    assert recovery_of(Blow(3.0, 3.0, "w1", is_fatal=True), late).outcomes_s == 10.0


def test_a_job_that_had_ended_with_a_dead_workers_last_words_was_not_in_flight() -> None:
    ended = replace(HIT, ends=(completed("a", 3.1, worker="w1"), *HIT.ends))
    assert recovery_of(Blow(3.0, 3.0, "w1", is_fatal=True), ended) == Recovery(8.0, None, None)


def test_an_outcome_told_again_counts_though_it_names_the_dead_worker() -> None:
    repeated = replace(HIT, ends=(*HIT.ends, completed("a", 12.0, worker="w1")))
    assert recovery_of(Blow(3.0, 3.0, "w1", is_fatal=True), repeated).outcomes_s == 9.0


def test_recovery_goes_by_the_partitions_that_the_victim_had_where_they_are_known() -> None:
    blow = Blow(3.0, 3.0, "w1", is_fatal=True, partitions=frozenset({"requests/1"}))
    assert recovery_of(blow, HIT).outcomes_s == 8.0


def test_a_recovery_that_is_late_is_told() -> None:
    blown = replace(HIT, blows=(Blow(3.0, 10.0, "w1", is_fatal=True),), whole=frozenset("abc"))
    row = judged(blown, Bounds(outcomes_s=2, begun_s=30, is_struck=False))
    assert row.did_not_hold == ["outcomes again after 3.0 s, at most 2 s allowed"]
