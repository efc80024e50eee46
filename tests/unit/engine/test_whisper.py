"""What reaches faster-whisper: a double records the call."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import faster_whisper.transcribe as fw
import numpy as np
import pytest
from faster_whisper.vad import VadOptions

from consumer.engine.arguments import arguments, mode_of
from consumer.engine.backend import Track
from consumer.engine.lazy import LazyArray
from consumer.engine.whisper import WhisperModel, _compute_type, audio_of
from contracts.requests import Mode, Options, VadParameters
from tests.engines import make_noise

REACHES: dict[str, tuple[Any, str, Any]] = {
    "task": ("translate", "task", "translate"),
    "language": ("de", "language", "de"),
    "word_timestamps": (True, "word_timestamps", True),
    "temperature": ([0.2, 0.4], "temperature", [0.2, 0.4]),
    "initial_prompt": ("Leopard", "initial_prompt", "Leopard"),
    "hotwords": ("Leopard", "hotwords", "Leopard"),
    "beam_size": (3, "beam_size", 3),
    "vad": (True, "vad_filter", True),
    "vad_parameters": ({"threshold": 0.3}, "vad_parameters", {"threshold": 0.3}),
}
"""Each option with a value, and the argument of faster-whisper's call that it becomes."""
ELSEWHERE = {
    "model": "chooses which model is called",
    "mode": "chooses which call is made",
    "channels": "is the decoder's and makes several calls",
}


class Double:
    """Stands for faster-whisper's model and records the call."""

    feat_kwargs: dict[str, Any] = {}  # noqa: RUF012 - read only

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.audio: Any = None

    def transcribe(self, audio: Any, **call: Any) -> tuple[Iterator[Any], Any]:
        self.audio = audio
        self.calls.append(call)
        return iter(()), SimpleNamespace(language="en", language_probability=1)


def call_with(double: Double, **options: Any) -> dict[str, Any]:
    asked = Options.model_validate(options, strict=False)
    with make_noise(0.1) as samples:
        track = Track(samples.file.fileno(), samples.count)
        list(WhisperModel(double).transcribe(track, mode_of(asked), arguments(asked)).segments)
    return double.calls[-1]


def test_every_option_of_a_request_is_proven_to_reach_the_engine_or_named_here() -> None:
    assert set(Options.model_fields) == REACHES.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize("option", REACHES)
def test_an_option_reaches_the_call(option: str) -> None:
    value, name, expected = REACHES[option]
    needs = {"vad": True} if option == "vad_parameters" else {}
    assert call_with(Double(), **needs, **{option: value})[name] == expected


@pytest.mark.parametrize("target", [fw.WhisperModel, fw.BatchedInferencePipeline])
def test_both_calls_of_faster_whisper_know_every_argument(target: Any) -> None:
    assert {name for _, name, _ in REACHES.values()} <= set(inspect.signature(target.transcribe).parameters)


def test_every_vad_parameter_is_one_of_the_detector() -> None:
    assert set(VadParameters.model_fields) <= {field.name for field in fields(VadOptions)}


@pytest.mark.parametrize(("mode", "calls"), [("sequential", (1, 0)), ("batched", (0, 1))])
def test_the_mode_chooses_the_call(mode: str, calls: tuple[int, int]) -> None:
    plain, batched = Double(), Double()
    with make_noise(0.1) as samples:
        track = Track(samples.file.fileno(), samples.count)
        WhisperModel(plain, lambda _: batched).transcribe(track, Mode(mode), {})
    assert (len(plain.calls), len(batched.calls)) == calls


def test_a_call_may_edit_its_arguments() -> None:
    given: dict[str, Any] = {"vad_parameters": {"threshold": 0.3}}
    double = Double()
    with make_noise(0.1) as samples:
        WhisperModel(double).transcribe(Track(samples.file.fileno(), samples.count), Mode.SEQUENTIAL, given)
    double.calls[0]["vad_parameters"].clear()
    assert given == {"vad_parameters": {"threshold": 0.3}}


def test_the_call_gets_samples_that_are_read_later() -> None:
    double = Double()
    call_with(double)
    assert isinstance(double.audio, LazyArray)
    assert double.audio.shape == (1600,)


def test_a_file_that_is_shorter_than_was_said_is_an_error() -> None:
    with make_noise(0.1) as samples, pytest.raises(EOFError, match="1601 samples were announced"):
        audio_of(Track(samples.file.fileno(), 1601))


def test_samples_are_scaled_to_one() -> None:
    with make_noise(0.001, seed=256) as samples:
        audio = np.asarray(audio_of(Track(samples.file.fileno(), samples.count)))
    assert audio.tolist() == [256 / 32768] * 16


def test_auto_takes_int8_on_a_cpu_and_says_nothing() -> None:
    assert _compute_type("auto", "cpu") == ("int8", None)
