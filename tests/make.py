"""Constructors of test data; every argument has a default that is valid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from consumer.core.events import Emitter
from consumer.core.jobs import Job, make_job
from consumer.core.records import Record
from consumer.core.speech import EngineResult, FetchedObject, MediaInfo
from consumer.core.transcription import build_transcript, describe_job, describe_source
from contracts.requests import TranscriptionRequest
from contracts.transcript import ModelIdentity, Segment, Timing, Transcript, Word

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
EMITTER = Emitter(worker="gpu-3", deployment="test", results_topic="results", progress_topic="progress")
OUTPUT = "s3://transcripts/"


def make_request(**fields: Any) -> TranscriptionRequest:
    document = {"job_id": "call-4711", "input": {"uri": "s3://media/calls/4711.mp3"}, **fields}
    return TranscriptionRequest.model_validate(document, strict=False)


def make_a_job(*, attempt: int = 1, replay_count: int = 0, **fields: Any) -> Job:
    return make_job(make_request(**fields), default_output=OUTPUT, attempt=attempt, replay_count=replay_count)


def make_record(
    value: bytes | None = b"{}",
    *,
    key: bytes | None = b"call-4711",
    headers: tuple[tuple[str, bytes | None], ...] = (),
    offset: int = 42,
) -> Record:
    return Record(
        topic="requests", partition=3, offset=offset, timestamp_ms=1_700_000_000_123, key=key, value=value,
        headers=headers,
    )  # fmt: skip


def make_word(word: str, start: float, end: float) -> Word:
    return Word(word=word, start=start, end=end, probability=0.9)


def make_segment(text: str = " Hello.", start: float = 0.0, end: float = 1.5, **fields: Any) -> Segment:
    values: dict[str, Any] = {
        "id": 1, "seek": 0, "tokens": [1, 2], "temperature": 0.0, "avg_logprob": -0.2,
        "compression_ratio": 1.1, "no_speech_prob": 0.01, "words": [],
    }  # fmt: skip
    return Segment(text=text, start=start, end=end, **{**values, **fields})


def make_engine_result(*segments: Segment, **fields: Any) -> EngineResult:
    values: dict[str, Any] = {
        "language": "en", "language_probability": 1.0, "model": ModelIdentity(name="base", sha256="ab"),
        "engine": "faster-whisper", "device": "cpu", "compute_type": "int8", "mode": "sequential",
        "options": {"task": "transcribe", "beam_size": 5}, "versions": {"faster-whisper": "1.2.1"}, "engine_s": 3.2,
    }  # fmt: skip
    return EngineResult(segments=segments or (make_segment(),), **{**values, **fields})


def make_fetched_object(**fields: Any) -> FetchedObject:
    values: dict[str, Any] = {"size_bytes": 10, "sha256": "cd", "etag": '"ef"', "version_id": None}
    return FetchedObject(**{**values, **fields})


def make_media_info() -> MediaInfo:
    return MediaInfo(container="mp3", codec="mp3float", sample_rate_hz=44_100, channels=2)


def make_transcript(*segments: Segment, job: Job | None = None) -> Transcript:
    job = job or make_a_job()
    return build_transcript(
        describe_job(job, "gpu-3"),
        describe_source(job.request.input.uri, make_fetched_object(), make_media_info()),
        make_engine_result(*segments),
        duration_s=61.4,
        timing=Timing(created_at=NOW, fetch_s=0.1, decode_s=0.2, engine_s=3.2),
    )
