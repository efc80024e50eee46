"""From an upload to a transcript and an outcome event, by the real path."""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path

from contracts.events import Kind, parse_event
from contracts.transcript import Manifest, Transcript
from tests import speech
from tests.e2e.conftest import Reference
from tests.e2e.fleet import Deployment, data_of
from tests.e2e.flight import in_the_engine
from tests.waiting import until

AT_ZERO = {"temperature": [0.0]}


async def test_speech_in_a_bucket_becomes_text_beside_it(deployment: Deployment, reference: Reference) -> None:
    worker = await deployment.start_worker()
    uri = await deployment.upload(speech.ENGLISH.path)
    await deployment.publish(
        {"job_id": "call-1", "input": {"uri": uri}, "options": AT_ZERO, "metadata": {"case": "17"}}
    )

    (event,) = await deployment.outcomes(1)
    files = await deployment.files("call-1")
    transcript = Transcript.model_validate_json(files["transcript.json"])
    manifest = Manifest.model_validate_json(files["manifest.json"])

    outcome = data_of(event)
    assert (event.id, outcome.outcome, outcome.metadata) == ("-/call-1/completed/0", Kind.COMPLETED, {"case": "17"})
    assert (event.subject, event.dataref) == (uri, f"{deployment.output}call-1/manifest.json")
    assert event.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert transcript.text == reference(speech.ENGLISH.path)
    assert transcript.provenance.model.name == "tiny.en"
    assert transcript.input.sha256 == hashlib.sha256(speech.ENGLISH.path.read_bytes()).hexdigest()
    assert manifest.outcome == outcome
    assert {file.key.rpartition("/")[2]: file.sha256 for file in manifest.files} == {
        name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != "manifest.json"
    }
    await until(lambda: bool(worker.events("job_settled")), "a log line")
    (line,) = worker.events("job_settled")
    assert {"queued_s", "fetch_s", "decode_s", "engine_s", "write_s", "publish_s", "total_s"} <= line.keys()


async def test_a_request_that_comes_again_repeats_its_outcome_without_a_second_transcription(
    deployment: Deployment,
) -> None:
    worker = await deployment.start_worker()
    request = {"job_id": "call-1", "input": {"uri": await deployment.upload(speech.SHORT.path)}}
    await deployment.publish(request)
    await deployment.outcomes(1)
    before = await deployment.files("call-1")
    await deployment.publish(request)
    records = await deployment.read(deployment.results, 2)

    first, second = (parse_event(record.headers, record.value) for record in records)
    assert (first.id, first.source, first.data) == (second.id, second.source, second.data)
    assert await deployment.files("call-1") == before
    await until(lambda: len(worker.events("job_settled")) == 2, "two log lines")
    assert [line["is_repeat"] for line in worker.events("job_settled")] == [False, True]


async def test_a_worker_says_whether_it_lives_and_whether_it_takes_work(deployment: Deployment) -> None:
    worker = await deployment.start_worker()

    assert await deployment.health(worker, "/livez") == (200, {"status": "ok", "checks": {"engine_supervised": True}})
    status, document = await deployment.health(worker, "/readyz")
    assert (status, document["status"]) == (200, "ok")
    assert set(document["checks"]) == {"model_loaded", "group_joined", "accepting"}


async def test_a_worker_starts_again_under_its_id(deployment: Deployment) -> None:
    for _ in range(3):
        worker = await deployment.start_worker(STENO_WORKER__ID="gpu-3")
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0


async def test_a_worker_that_is_told_to_end_finishes_its_job_first(deployment: Deployment, tmp_path: Path) -> None:
    worker = await deployment.start_worker()
    long = speech.join([speech.ENGLISH], tmp_path / "long.wav", at_least_s=60)
    await deployment.publish({"job_id": "long", "input": {"uri": await deployment.upload(long)}})
    await in_the_engine(worker, deployment)
    worker.signal(signal.SIGTERM)

    assert await worker.ended() == 0
    (event,) = await deployment.outcomes(1, within_s=10)
    assert event.id == "-/long/completed/0"
    assert sum((await deployment.committed()).values()) == 1
    assert worker.lines[-1]["event"] == "worker_stopped"


async def test_a_worker_that_is_told_twice_to_end_gives_its_job_back(deployment: Deployment, tmp_path: Path) -> None:
    worker = await deployment.start_worker()
    long = speech.join([speech.ENGLISH], tmp_path / "long.wav", at_least_s=300)
    await deployment.publish({"job_id": "long", "input": {"uri": await deployment.upload(long)}})
    await in_the_engine(worker, deployment)
    worker.signal(signal.SIGTERM)
    await until(lambda: bool(worker.events("draining")), "it drains")
    worker.signal(signal.SIGTERM)

    assert await worker.ended(within_s=15) == 0
    assert [line["count"] for line in worker.events("jobs_given_back")] == [1]
    lines = worker.lines
    drain = lines[lines.index(worker.events("draining")[0]) :]  # what stands before is of a broker's first group
    assert [line for line in drain if line["level"] in {"error", "critical"}] == []
    assert await deployment.read(deployment.results, 0) == []
    assert await deployment.committed() in ({}, dict.fromkeys(range(4), 0))
    assert await deployment.files("long") == {}


async def test_no_transcript_and_no_prompt_is_ever_logged(deployment: Deployment) -> None:
    worker = await deployment.start_worker(STENO_LOG__LEVEL="debug")
    uri = await deployment.upload(speech.ENGLISH.path)
    options = {**AT_ZERO, "initial_prompt": "xylophone secrets", "hotwords": "quetzal"}
    await deployment.publish({"job_id": "call-1", "input": {"uri": uri}, "options": options})
    await deployment.outcomes(1)
    text = json.loads((await deployment.files("call-1"))["transcript.json"])["text"]
    worker.signal(signal.SIGTERM)
    await worker.ended()

    log = worker.log_path.read_text()
    assert "call-1" in log
    assert text[:20] not in log
    assert "xylophone" not in log
    assert "quetzal" not in log
