"""Which jobs ask for the same, and what a shared transcript says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.core.resultset import derive_result_set
from consumer.core.sharing import make_claim, read_claim, read_shareable, share_transcript, sharing_key
from contracts.transcript import ModelIdentity, Timing, Transcript
from tests.make import NOW, make_a_job, make_fetched_object, make_transcript

MODEL = ModelIdentity(name="base", sha256="ab")
OTHER: dict[str, Any] = {"job_id": "call-2", "input": {"uri": "s3://media/copy.mp3"}}
TIMING = Timing(created_at=NOW, fetch_s=0.5, decode_s=0, engine_s=0)


def digest(sha256: str = "cd", model: ModelIdentity = MODEL, **fields: Any) -> str:
    return sharing_key(make_a_job(**fields), sha256, model).digest


@pytest.mark.parametrize(
    "fields",
    [
        OTHER,
        {"output": {"uri": "s3://elsewhere/", "formats": ["json"]}},
        {"metadata": {"case": "17"}, "correlation_id": "x"},
        {"options": {"mode": "sequential"}},
        {"options": {"vad": False}},
        {"options": {"beam_size": 5}},
        {"options": {"model": "base"}},
    ],
)
def test_what_does_not_change_the_text_does_not_matter(fields: dict[str, Any]) -> None:
    assert digest(**fields) == digest()


@pytest.mark.parametrize(
    "fields",
    [
        {"sha256": "ce"},
        {"model": ModelIdentity(name="tiny.en", sha256="ab")},
        {"model": ModelIdentity(name="base", sha256="ac")},
        {"tenant": "acme"},
        {"options": {"temperature": [0.0]}},
        {"options": {"language": "en"}},
        {"options": {"mode": "batched"}},
        {"options": {"vad": True}},
        {"options": {"word_timestamps": True}},
        {"options": {"initial_prompt": "names"}},
        {"options": {"channels": "separate"}},
        {"options": {"task": "translate"}},
    ],
)
def test_whatever_changes_the_text_or_whose_it_is_does(fields: dict[str, Any]) -> None:
    assert digest(**fields) != digest()


def shareable(first: Transcript, **changes: Any) -> Transcript | None:
    """What a second job makes of a claim on this transcript, as the claim was made by `call-4711` unless changed."""
    claim = make_claim(make_a_job(), "token", worker="gpu-3", now=NOW).model_copy(update=changes)
    key = sharing_key(make_a_job(**OTHER), "cd", MODEL)
    return read_shareable(first.model_dump_json().encode(), claim, key)


def test_the_transcript_that_a_claim_leads_to_is_shared() -> None:
    assert shareable(make_transcript()) == make_transcript()


@pytest.mark.parametrize("changes", [{"job_id": "call-1"}, {"fingerprint": "0"}])
def test_a_transcript_of_another_request_is_not_shared(changes: dict[str, Any]) -> None:
    assert shareable(make_transcript(), **changes) is None


def test_a_transcript_of_another_tenant_content_or_model_is_not_shared() -> None:
    whole = make_transcript()
    foreign = make_transcript(job=make_a_job(tenant="acme"))
    content = whole.model_copy(update={"input": whole.input.model_copy(update={"sha256": "ce"})})
    model = ModelIdentity(name="base", sha256="ac")
    other = whole.model_copy(update={"provenance": whole.provenance.model_copy(update={"model": model})})
    assert [shareable(foreign, fingerprint=foreign.job.fingerprint), shareable(content), shareable(other)] == [None] * 3


def test_what_is_no_transcript_is_not_shared() -> None:
    claim = make_claim(make_a_job(), "token", worker="gpu-3", now=NOW)
    assert read_shareable(b'{"text": 1}', claim, sharing_key(make_a_job(**OTHER), "cd", MODEL)) is None


@pytest.mark.parametrize(
    "changes", [{"job_id": "../call-1"}, {"transcript": "file:///etc/passwd"}, {"transcript": ""}, {"version": 2}]
)
def test_a_claim_that_leads_nowhere_is_none(changes: dict[str, Any]) -> None:
    claim = make_claim(make_a_job(), "token", worker="gpu-3", now=NOW)
    assert read_claim(claim.model_dump_json().encode()) == claim
    assert read_claim(claim.model_copy(update=changes).model_dump_json().encode()) is None


def test_a_shared_transcript_is_the_second_jobs_own_and_names_the_first() -> None:
    first = make_transcript()
    job = make_a_job(**OTHER, output={"formats": ["txt"]}, metadata={"case": "18"})
    fetched = make_fetched_object(etag="own", version_id="3")

    shared = share_transcript(first, job, fetched, worker="gpu-4", timing=TIMING)

    assert (shared.text, shared.segments, shared.provenance) == (first.text, first.segments, first.provenance)
    assert (shared.job.job_id, shared.job.worker, shared.job.metadata) == ("call-2", "gpu-4", {"case": "18"})
    assert (shared.input.uri, shared.input.etag, shared.input.version_id) == ("s3://media/copy.mp3", "own", "3")
    assert shared.timing == TIMING
    outcome = derive_result_set(shared.model_dump_json().encode()).outcome
    assert (outcome.shared_from, outcome.engine_s, outcome.audio_s) == ("call-4711", 0, first.duration)


def test_a_copy_of_a_copy_names_the_job_that_was_transcribed() -> None:
    fetched = make_fetched_object()
    second = share_transcript(make_transcript(), make_a_job(**OTHER), fetched, worker="gpu-4", timing=TIMING)
    third = share_transcript(second, make_a_job(job_id="call-3"), fetched, worker="gpu-4", timing=TIMING)
    assert third.job.shared_from == "call-4711"
