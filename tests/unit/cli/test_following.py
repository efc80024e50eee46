"""Who is told of which event."""

from __future__ import annotations

from consumer.cli.following import Follower
from contracts import ErrorDetail, Event, Kind, OutcomeEvent, ProgressEvent

MEDIA = "s3://media/a.wav"


def make_event(data: OutcomeEvent | ProgressEvent) -> Event:
    return Event(
        id="1", source="/steno/test", type="t", time=None, subject=None, dataref=None, traceparent=None,
        tracestate=None, data=data,
    )  # fmt: skip


def make_outcome(job_id: str | None, kind: Kind = Kind.COMPLETED) -> OutcomeEvent:
    return OutcomeEvent(
        job_id=job_id, outcome=kind, input=MEDIA, manifest=None, worker="w", attempt=1,
        error=ErrorDetail(code="X", message="x", retryable=False) if kind is Kind.FAILED else None,
    )  # fmt: skip


def make_progress(job_id: str, done_s: float) -> ProgressEvent:
    return ProgressEvent(
        job_id=job_id, kind=Kind.PROGRESS, input=MEDIA, attempt=1, done_s=done_s, audio_s=9.0, worker="w"
    )


async def test_a_job_hears_its_own_events_and_no_others() -> None:
    follower, heard = Follower(), list[float | None]()
    ending = follower.follow("ours", lambda event: heard.append(event.done_s))
    for data in (
        make_progress("theirs", 1.0), make_progress("ours", 2.0), make_outcome("theirs"), make_outcome(None),
    ):  # fmt: skip
        follower.hear(make_event(data))
    assert heard == [2.0]
    assert not ending.done()
    follower.hear(make_event(make_outcome("ours")))
    assert (await ending).job_id == "ours"


async def test_what_comes_after_the_outcome_means_nothing() -> None:
    follower, heard = Follower(), list[ProgressEvent]()
    ending = follower.follow("ours", heard.append)
    follower.hear(make_event(make_outcome("ours")))
    follower.hear(make_event(make_outcome("ours", Kind.FAILED)))
    follower.hear(make_event(make_progress("ours", 3.0)))
    assert (await ending).outcome is Kind.COMPLETED
    assert not heard
