"""What our engine says is what faster-whisper says, to the last digit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pytest

from consumer.engine.backend import Track
from consumer.engine.supervisor import ProcessEngine
from consumer.engine.whisper import audio_of
from contracts.requests import Options
from tests import direct
from tests.engines import COMPUTE_TYPE, THREADS, decoded, located, make_engine_config, make_samples
from tests.speech import ENGLISH, GERMAN, JAPANESE, LONGEST, NOISE, SHORT, STEREO, Clip

CALL_S = 120


@pytest.fixture(scope="module")
def bare_process() -> Iterator[Executor]:
    with direct.process() as executor:
        yield executor


def call_directly(executor: Executor, model: str, clip: Clip, mode: str, **call: Any) -> direct.Answer:
    bare = direct.Bare(located(model).path, COMPUTE_TYPE, THREADS)
    return executor.submit(direct.ask, bare, clip.path, mode, {"temperature": [0.0], **call}).result(CALL_S)


async def ask_ours(engine: ProcessEngine, clip: Clip, mode: str, **options: Any) -> direct.Answer:
    asked = Options.model_validate({"temperature": [0.0], "mode": mode, **options}, strict=False)
    with make_samples(clip) as samples:
        result = await engine.transcribe(samples, asked, lambda _: None)
    return direct.of_ours(result, has_words=asked.word_timestamps)


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
    bare_process: Executor,
    model: str,
    clips: tuple[Clip, ...],
    mode: str,
    options: dict[str, Any],
    call: dict[str, Any],
) -> None:
    async with ProcessEngine(make_engine_config(model)) as engine:
        for clip in clips:
            ours = await ask_ours(engine, clip, mode, **options)
            assert ours == call_directly(bare_process, model, clip, mode, **call), clip.name


async def test_jobs_side_by_side_do_not_change_each_other(bare_process: Executor) -> None:
    jobs = [(clip, mode) for clip in (ENGLISH, SHORT) for mode in ("sequential", "batched")]
    async with ProcessEngine(make_engine_config(slots=2)) as engine:
        ours = await asyncio.gather(*(ask_ours(engine, clip, mode, word_timestamps=True) for clip, mode in jobs))
    for (clip, mode), answer in zip(jobs, ours, strict=True):
        expected = call_directly(bare_process, "tiny.en", clip, mode, word_timestamps=True)
        assert answer == expected, (clip.name, mode)


def test_the_direct_call_is_made_where_nothing_of_the_engine_is_loaded(bare_process: Executor) -> None:
    loaded = bare_process.submit(direct.modules).result(CALL_S)
    assert "faster_whisper.transcribe" in loaded
    assert not [name for name in loaded if name.startswith("consumer.engine")]


@pytest.mark.parametrize("clip", [SHORT, STEREO, JAPANESE], ids=lambda clip: clip.name)
def test_samples_become_exactly_what_faster_whisper_decodes(clip: Clip) -> None:
    with make_samples(clip) as samples:
        audio = np.asarray(audio_of(Track(samples.file.fileno(), samples.count)))
    assert audio.dtype == np.float32
    assert np.array_equal(audio, decoded(clip))


def test_no_samples_are_no_audio() -> None:
    with make_samples(SHORT, count=0) as samples:
        assert np.asarray(audio_of(Track(samples.file.fileno(), 0))).shape == (0,)
