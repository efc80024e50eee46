"""Jobs that fail and come back later, by the real path."""

from __future__ import annotations

import asyncio
import signal
import struct
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ErrorCode
from contracts.events import Kind, ProgressEvent, parse_event
from tests.e2e.conftest import deployed
from tests.e2e.fleet import Deployment, data_of
from tests.media import make_wav
from tests.stack.store import S3Address

DELAYS_MS = (600, 900)


@pytest.fixture
async def deployment(kafka: str, s3_address: S3Address, unique: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    fake = {"STENO_ENGINE__KIND": "fake"}
    made = Deployment(kafka, s3_address, unique, tmp_path, fake, delays_ms=DELAYS_MS)
    async with deployed(made) as deployment:
        yield deployment


def request(deployment: Deployment, job_id: str, **fields: Any) -> dict[str, Any]:
    return {"job_id": job_id, "input": {"uri": f"s3://{deployment.prefix}/media/{job_id}.wav"}, **fields}


async def upload(deployment: Deployment, job_id: str) -> None:
    clip = deployment.folder / f"{job_id}.wav"
    await asyncio.to_thread(clip.write_bytes, make_wav(16_000))
    await deployment.upload(clip)


async def test_an_upload_that_its_request_overtook_is_transcribed_by_a_retry(deployment: Deployment) -> None:
    worker = await deployment.start_worker()
    await deployment.publish(request(deployment, "early"))
    (hop,) = await deployment.read(deployment.retry_topics[0], 1)
    await upload(deployment, "early")
    (event,) = await deployment.outcomes(1)

    outcome = data_of(event)
    assert (outcome.outcome, event.id, event.cause) == (Kind.COMPLETED, "-/early/completed/0", _place_of(hop.headers))
    assert outcome.attempt in {2, 3}
    progress = [parse_event(each.headers, each.value).data for each in await _progress(deployment)]
    scheduled = [each for each in progress if isinstance(each, ProgressEvent) and each.kind is Kind.RETRY_SCHEDULED]
    assert [each.error.code for each in scheduled if each.error] == ["INPUT_NOT_FOUND"] * (outcome.attempt - 1)
    assert worker.events("retry_scheduled")[0]["code"] == "INPUT_NOT_FOUND"


async def test_a_job_that_never_succeeds_climbs_every_tier_in_time_and_is_then_set_aside(
    deployment: Deployment,
) -> None:
    worker = await deployment.start_worker()
    began = time.time()
    await deployment.publish(request(deployment, "gone"))
    (event,) = await deployment.outcomes(1)
    took_s = time.time() - began
    (letter,) = await deployment.read(deployment.dead_letters, 1)
    headers = dict(letter.headers)

    error = data_of(event).error
    assert error is not None
    assert (error.code, data_of(event).attempt) == (ErrorCode.INPUT_NOT_FOUND, 3)
    assert sum(DELAYS_MS) / 1000 <= took_s
    for tier, topic in enumerate(deployment.retry_topics):
        (hop,) = await deployment.read(topic, 1)
        (due_ms,) = struct.unpack("!q", dict(hop.headers)["retry_topic-backoff-timestamp"])
        begun = _attempts_begun(worker.lines, tier + 2)
        assert 0 <= begun.timestamp() - due_ms / 1000 < 2.0
    assert headers["x-original-topic"] == deployment.requests.encode()
    assert (headers["x-steno-attempt"], headers["traceparent"][:2]) == (b"3", b"00")
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert sum((await deployment.committed()).values()) == 1


async def test_a_job_whose_deadline_comes_before_its_retry_is_cancelled(deployment: Deployment) -> None:
    await deployment.start_worker()
    soon = datetime.now(UTC) + timedelta(milliseconds=DELAYS_MS[0] / 2)
    await deployment.publish(request(deployment, "late", deadline=soon.isoformat()))
    (event,) = await deployment.outcomes(1)

    error = data_of(event).error
    assert error is not None
    assert (data_of(event).outcome, error.code) == (Kind.CANCELLED, ErrorCode.DEADLINE_EXCEEDED)
    assert await deployment.read(deployment.dead_letters, 0) == []


async def test_jobs_that_wait_hold_nobody_up_and_outlive_their_worker(
    kafka: str, s3_address: S3Address, unique: str, tmp_path: Path
) -> None:
    fake = {"STENO_ENGINE__KIND": "fake"}
    made = Deployment(kafka, s3_address, unique, tmp_path, fake, delays_ms=(2_500,))
    async with deployed(made) as deployment:
        first = await deployment.start_worker()
        await upload(deployment, "good")
        await deployment.publish(*(request(deployment, f"gone-{number}") for number in range(5)))
        await deployment.read(deployment.retry_topics[0], 5)
        await deployment.publish(request(deployment, "good"))
        (event,) = await deployment.outcomes(1)
        assert data_of(event).job_id == "good"

        first.signal(signal.SIGTERM)
        assert await first.ended() == 0
        for number in range(5):
            await upload(deployment, f"gone-{number}")
        await deployment.start_worker()
        events = await deployment.outcomes(6)
        ends = {data_of(event).job_id: (data_of(event).outcome, data_of(event).attempt) for event in events}
        assert ends.pop("good") == (Kind.COMPLETED, 1)
        assert ends == {f"gone-{number}": (Kind.COMPLETED, 2) for number in range(5)}
        assert len(events) == 6


def _place_of(headers: Any) -> str:
    found = dict(headers)
    (partition,) = struct.unpack("!i", found["kafka_original-partition"])
    (offset,) = struct.unpack("!q", found["kafka_original-offset"])
    return f"{found['kafka_original-topic'].decode()}/{partition}/{offset}"


async def _progress(deployment: Deployment) -> list[Any]:
    return await deployment.read(f"{deployment.prefix}.progress", 1)


def _attempts_begun(lines: list[dict[str, Any]], attempt: int) -> datetime:
    """When an attempt's own first line came, less what it took until then."""
    (line,) = [line for line in lines if line.get("attempt") == attempt and "total_s" in line]
    return datetime.fromisoformat(line["timestamp"]) - timedelta(seconds=line["total_s"])
