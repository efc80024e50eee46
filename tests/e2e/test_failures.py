"""Jobs that cannot succeed: their dead letters, their outcomes, and the jobs behind them."""

from __future__ import annotations

import signal
from typing import Any

from contracts.errors import ErrorCode
from contracts.events import Event, Kind
from tests import speech
from tests.e2e.fleet import Deployment, data_of


async def failing(deployment: Deployment, value: bytes | dict[str, Any] | None) -> tuple[dict[str, bytes], Event]:
    """The headers and value of the one dead letter, once a good job behind it in its partition has completed."""
    worker = await deployment.start_worker()
    good = {"job_id": "good", "input": {"uri": await deployment.upload(speech.SHORT.path)}}
    await deployment.publish(value, good, partition=0)
    events = {data_of(event).job_id: event for event in await deployment.outcomes(2)}
    (letter,) = await deployment.read(deployment.dead_letters, 1)
    assert data_of(events.pop("good")).outcome is Kind.COMPLETED
    (failed,) = events.values()
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert (await deployment.committed())[0] == 2
    return dict(letter.headers) | {"value": letter.value}, failed


async def test_a_file_that_is_no_media(deployment: Deployment) -> None:
    async with deployment.objects() as client:
        await client.put_object(Bucket=deployment.prefix, Key="notes.mp3", Body=b"these are notes, not music\n" * 99)
    request = {"job_id": "notes", "input": {"uri": f"s3://{deployment.prefix}/notes.mp3"}}

    headers, event = await failing(deployment, request)

    assert headers["x-steno-error-code"] == b"MEDIA_UNSUPPORTED"
    assert event.id == "-/notes/failed/0"
    error = data_of(event).error
    assert error is not None
    assert (error.code, error.retryable) == (ErrorCode.MEDIA_UNSUPPORTED, False)


async def test_an_object_that_is_not_there(deployment: Deployment) -> None:
    request = {"job_id": "gone", "input": {"uri": f"s3://{deployment.prefix}/gone.mp3"}}

    headers, event = await failing(deployment, request)

    assert headers["x-steno-error-code"] == b"INPUT_NOT_FOUND"
    error = data_of(event).error
    assert error is not None
    assert error.retryable


async def test_a_request_for_a_forbidden_place(deployment: Deployment) -> None:
    uri = await deployment.upload(speech.SHORT.path)
    headers, event = await failing(
        deployment, {"job_id": "spy", "input": {"uri": uri}, "output": {"uri": "s3://elsewhere/"}}
    )

    assert headers["x-steno-error-code"] == b"OUTPUT_FORBIDDEN"
    assert data_of(event).job_id == "spy"
