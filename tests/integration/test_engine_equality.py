"""What our engine says is what faster-whisper says, to the last digit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import pytest
from faster_whisper import BatchedInferencePipeline, WhisperModel

from consumer.engine.backend import Track
from consumer.engine.supervisor import ProcessEngine
from consumer.engine.whisper import audio_of
from contracts.requests import Options
from contracts.transcript import Segment
from tests.engines import COMPUTE_TYPE, THREADS, decoded, located, make_engine_config, make_samples
from tests.speech import ENGLISH, GERMAN, JAPANESE, LONGEST, NOISE, SHORT, STEREO, Clip


@cache
def direct(model: str) -> WhisperModel:
    return WhisperModel(
        str(located(model).path), device="cpu", compute_type=COMPUTE_TYPE, cpu_threads=THREADS, local_files_only=True
    )


def call_directly(model: str, clip: Clip, mode: str, **call: Any) -> tuple[list[dict[str, Any]], str, float]:
    target = BatchedInferencePipeline(direct(model)) if mode == "batched" else direct(model)
    segments, info = target.transcribe(decoded(clip), **call)
    return [asdict(segment) for segment in segments], info.language, info.language_probability


def as_faster_whisper(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    documents = [segment.model_dump(exclude={"channel"}) for segment in segments]
    return [document | {"words": document["words"] or None} for document in documents]


CASES: list[tuple[str, tuple[Clip, ...], str, dict[str, Any], dict[str, Any]]] = [
    ("tiny.en", (SHORT, ENGLISH), "sequential", {}, {}),
    ("tiny.en", (ENGLISH, STEREO), "sequential", {"word_timestamps": True}, {"word_timestamps": True}),
    ("tiny.en", (ENGLISH,), "batched", {}, {}),
    ("tiny.en", (LONGEST,), "batched", {"word_timestamps": True}, {"word_timestamps": True}),
    (
        "tiny.en",
        (ENGLISH, NOISE),
        "sequential",
        {"vad": True, "vad_parameters": {"threshold": 0.4, "speech_pad_ms": 200}},
        {"vad_filter": True, "vad_parameters": {"threshold": 0.4, "speech_pad_ms": 200}},
    ),
    (
        "tiny.en",
        (STEREO,),
        "batched",
        {"vad_parameters": {"min_silence_duration_ms": 300}},
        {"vad_parameters": {"min_silence_duration_ms": 300}},
    ),
    (
        "tiny.en",
        (ENGLISH,),
        "sequential",
        {"beam_size": 1, "initial_prompt": "Of printing.", "hotwords": "crafts", "language": "en"},
        {"beam_size": 1, "initial_prompt": "Of printing.", "hotwords": "crafts", "language": "en"},
    ),
    ("base", (GERMAN, JAPANESE), "sequential", {"word_timestamps": True}, {"word_timestamps": True}),
    ("base", (GERMAN, NOISE), "batched", {}, {}),
    ("base", (GERMAN,), "sequential", {"task": "translate", "language": "de"}, {"task": "translate", "language": "de"}),
]


@pytest.mark.parametrize(("model", "clips", "mode", "options", "call"), CASES)
async def test_segments_words_and_language_equal_a_direct_call(
    model: str, clips: tuple[Clip, ...], mode: str, options: dict[str, Any], call: dict[str, Any]
) -> None:
    asked = Options.model_validate({"temperature": [0.0], "mode": mode, **options}, strict=False)
    async with ProcessEngine(make_engine_config(model)) as engine:
        for clip in clips:
            with make_samples(clip) as samples:
                result = await engine.transcribe(samples, asked, lambda _: None)
            segments, language, probability = call_directly(model, clip, mode, temperature=[0.0], **call)
            assert as_faster_whisper(result.segments) == segments, clip.name
            assert (result.language, result.language_probability) == (language, probability)


async def test_jobs_side_by_side_do_not_change_each_other() -> None:
    clips = (ENGLISH, SHORT)
    modes = [(clip, mode) for clip in clips for mode in ("sequential", "batched")]

    async def ask(engine: ProcessEngine, clip: Clip, mode: str) -> list[dict[str, Any]]:
        asked = Options.model_validate({"temperature": [0.0], "mode": mode, "word_timestamps": True}, strict=False)
        with make_samples(clip) as samples:
            return as_faster_whisper((await engine.transcribe(samples, asked, lambda _: None)).segments)

    async with ProcessEngine(make_engine_config(slots=2)) as engine:
        ours = await asyncio.gather(*(ask(engine, clip, mode) for clip, mode in modes))
    for (clip, mode), segments in zip(modes, ours, strict=True):
        direct_segments, _, _ = call_directly("tiny.en", clip, mode, temperature=[0.0], word_timestamps=True)
        assert segments == direct_segments, (clip.name, mode)


@pytest.mark.parametrize("clip", [SHORT, STEREO, JAPANESE], ids=lambda clip: clip.name)
def test_samples_become_exactly_what_faster_whisper_decodes(clip: Clip) -> None:
    with make_samples(clip) as samples:
        audio = np.asarray(audio_of(Track(samples.file.fileno(), samples.count)))
    assert audio.dtype == np.float32
    assert np.array_equal(audio, decoded(clip))


def test_no_samples_are_no_audio() -> None:
    with make_samples(SHORT, count=0) as samples:
        assert np.asarray(audio_of(Track(samples.file.fileno(), 0))).shape == (0,)
