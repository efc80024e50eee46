"""From a request's options to the arguments of faster-whisper's call, and which options a model cannot serve."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from consumer.core.failures import PermanentError
from contracts.errors import ErrorCode
from contracts.requests import Mode, Options, Task


def mode_of(options: Options) -> Mode:
    """How the engine walks through the audio; sequential unless the request says otherwise."""
    return options.mode or Mode.SEQUENTIAL


def arguments(options: Options) -> dict[str, JsonValue]:
    """Keyword arguments of `transcribe` as JSON values. What the request leaves open is not passed at all."""
    given: dict[str, JsonValue] = {
        "task": options.task.value,
        "language": options.language,
        "word_timestamps": options.word_timestamps,
        "temperature": list(options.temperature),
        "initial_prompt": options.initial_prompt,
        "hotwords": options.hotwords,
        "beam_size": options.beam_size,
    }
    if options.vad is not None:
        given["vad_filter"] = options.vad
    if options.vad_parameters is not None:
        given["vad_parameters"] = options.vad_parameters.model_dump(exclude_none=True)
    return given


def require_model(options: Options, names: Sequence[str]) -> None:
    """Lets pass what one of the models that go by these names may answer; the first is the default's.

    Raises:
        PermanentError: `MODEL_UNKNOWN`, the request asks for another model.
    """
    if options.model is not None and options.model not in names:
        raise PermanentError(
            ErrorCode.MODEL_UNKNOWN,
            f"this worker has no model '{options.model}': ask for {' or '.join(map(repr, names))}, or leave it out; "
            "STENO_MODELS__ALLOWED names what else a request may ask for",
        )


def require_language(options: Options, model_name: str, languages: Sequence[str]) -> None:
    """Lets pass what the model was trained for: faster-whisper would silently do something else.

    Args:
        options: of the request.
        model_name: for the message.
        languages: codes that the model knows; only `en` for an English-only model.

    Raises:
        PermanentError: `REQUEST_INVALID`.
    """
    if options.language is not None and options.language not in languages:
        knows = "knows English only" if list(languages) == ["en"] else "does not know it"
        raise PermanentError(
            ErrorCode.REQUEST_INVALID, f"language '{options.language}' was asked for and model '{model_name}' {knows}"
        )
    if options.task is Task.TRANSLATE and list(languages) == ["en"]:
        raise PermanentError(
            ErrorCode.REQUEST_INVALID, f"model '{model_name}' knows English only and cannot translate: drop 'task'"
        )
