"""From options to the arguments of the engine's call."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.core.failures import PermanentError
from consumer.engine.arguments import arguments, mode_of, require_language, require_model
from contracts.errors import ErrorCode
from contracts.requests import Mode, Options

DEFAULTS = {
    "task": "transcribe",
    "language": None,
    "word_timestamps": False,
    "temperature": [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
    "initial_prompt": None,
    "hotwords": None,
    "beam_size": 5,
}


def make_options(**given: Any) -> Options:
    return Options.model_validate(given, strict=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"task": "translate"}, {"task": "translate"}),
        ({"language": "de"}, {"language": "de"}),
        ({"word_timestamps": True}, {"word_timestamps": True}),
        ({"temperature": [0]}, {"temperature": [0.0]}),
        ({"initial_prompt": "Leopard"}, {"initial_prompt": "Leopard"}),
        ({"hotwords": "Leopard"}, {"hotwords": "Leopard"}),
        ({"beam_size": 1}, {"beam_size": 1}),
        ({"vad": True}, {"vad_filter": True}),
        ({"vad": False}, {"vad_filter": False}),
        ({"mode": "batched"}, {}),
        ({"model": "base"}, {}),
        ({"mode": "batched", "vad_parameters": {"threshold": 0.3}}, {"vad_parameters": {"threshold": 0.3}}),
        ({"vad": True, "vad_parameters": {}}, {"vad_filter": True, "vad_parameters": {}}),
    ],
)
def test_each_option_becomes_its_argument_and_nothing_else(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert arguments(make_options(**given)) == {**DEFAULTS, **expected}


def test_each_call_gets_vad_parameters_of_its_own() -> None:
    options = make_options(vad=True, vad_parameters={"speech_pad_ms": 100})
    first = arguments(options)["vad_parameters"]
    assert isinstance(first, dict)
    first.clear()
    assert arguments(options)["vad_parameters"] == {"speech_pad_ms": 100}


@pytest.mark.parametrize(
    ("given", "expected"), [(None, Mode.SEQUENTIAL), ("sequential", Mode.SEQUENTIAL), ("batched", Mode.BATCHED)]
)
def test_mode_is_sequential_unless_asked_otherwise(given: str | None, expected: Mode) -> None:
    assert mode_of(make_options(mode=given)) is expected


@pytest.mark.parametrize("name", [None, "base", "/models/base"])
def test_the_loaded_model_answers_to_its_names(name: str | None) -> None:
    assert require_model(make_options(model=name), ("base", "/models/base")) is None  # type: ignore[func-returns-value]


def test_another_model_is_unknown() -> None:
    with pytest.raises(PermanentError, match="no model 'large-v3': ask for 'base' or 'tiny', or leave") as caught:
        require_model(make_options(model="large-v3"), ("base", "tiny"))
    assert caught.value.code is ErrorCode.MODEL_UNKNOWN


@pytest.mark.parametrize(
    ("given", "languages", "message"),
    [
        ({"language": "de"}, ("en",), "language 'de' was asked for and model 'm' knows English only"),
        ({"language": "yue"}, ("de", "en"), "language 'yue' was asked for and model 'm' does not know it"),
        ({"task": "translate"}, ("en",), "cannot translate"),
        ({"task": "translate", "language": "en"}, ("en",), "cannot translate"),
    ],
)
def test_what_the_model_was_not_trained_for_is_invalid(
    given: dict[str, Any], languages: tuple[str, ...], message: str
) -> None:
    with pytest.raises(PermanentError, match=message) as caught:
        require_language(make_options(**given), "m", languages)
    assert caught.value.code is ErrorCode.REQUEST_INVALID


@pytest.mark.parametrize(
    ("given", "languages"),
    [({}, ("en",)), ({"language": "en"}, ("en",)), ({"task": "translate", "language": "de"}, ("de", "en"))],
)
def test_what_the_model_knows_passes(given: dict[str, Any], languages: tuple[str, ...]) -> None:
    assert require_language(make_options(**given), "m", languages) is None  # type: ignore[func-returns-value]
