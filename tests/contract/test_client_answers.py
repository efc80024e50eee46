"""Which events answer which request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from contracts.client.answers import is_answer, is_exact_answer
from contracts.client.jobs import JobHandle
from contracts.events import Event, Kind, ProgressEvent

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
MEDIA: Final = "s3://media/a.mp3"


def make_job(
    place: str | None = "requests/3/42", fingerprint: str = "f", input_uri: str = MEDIA, *, tenant: str | None = None
) -> JobHandle:
    return JobHandle("a", input_uri, "s3://t/a/manifest.json", fingerprint, NOW, place, tenant)


def make_event(
    cause: str | None = "requests/3/42", fingerprint: str | None = "f", *, job_id: str = "a", media: str = MEDIA,
    time: datetime | None = NOW, tenant: str | None = None,
) -> Event:  # fmt: skip
    data = ProgressEvent(job_id=job_id, kind=Kind.STARTED, input=media, attempt=1, worker="w", tenant=tenant)
    return Event(
        id="1", source="/steno/test", type="t", time=time, subject=None, dataref=None, traceparent=None,
        tracestate=None, data=data, cause=cause, fingerprint=fingerprint,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("job", "event", "expected"),
    [
        pytest.param(make_job(), make_event(), True, id="the record itself"),
        pytest.param(make_job(), make_event("requests/3/42", None), True, id="the record itself held no job"),
        pytest.param(make_job(), make_event(job_id="b"), False, id="another job"),
        pytest.param(make_job(), make_event("requests/3/41"), False, id="an earlier request"),
        pytest.param(make_job(), make_event("requests/3/43"), True, id="the same once more"),
        pytest.param(make_job(), make_event("requests/3/43", "g"), False, id="a later one for something else"),
        pytest.param(make_job(), make_event("requests/2/1"), True, id="another partition, about then"),
        pytest.param(make_job(), make_event(None, None), True, id="an older worker"),
        pytest.param(make_job(), make_event(None, None, media="s3://m/b"), False, id="an older worker, other media"),
        pytest.param(
            make_job(), make_event(None, None, time=NOW - timedelta(minutes=2)), False, id="an older worker, long ago"
        ),
        pytest.param(make_job(None, "", ""), make_event(), True, id="its id alone is known"),
        pytest.param(make_job(None), make_event(None, "g"), False, id="something else, places unknown"),
        pytest.param(make_job(None, "", ""), make_event(tenant="t"), False, id="a tenant's, by the id alone"),
        pytest.param(make_job(None, "", "", tenant="t"), make_event(), False, id="nobody's, by a tenant's id alone"),
        pytest.param(make_job(None, "", "", tenant="t"), make_event(tenant="t"), True, id="its tenant's, by the id"),
        pytest.param(make_job(tenant="t"), make_event(), True, id="the record itself, a worker that knows no tenants"),
    ],
)
def test_an_event_answers_the_request_that_was_published(job: JobHandle, event: Event, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_answer(job, event) is expected


def test_only_the_records_own_place_is_certain() -> None:
    assert is_exact_answer(make_job(), make_event())
    assert not is_exact_answer(make_job(), make_event("requests/3/43"))
    assert not is_exact_answer(make_job(None), make_event(None))
