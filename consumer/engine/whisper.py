"""The loaded faster-whisper model. Imported in the engine process only."""

from __future__ import annotations

import copy
import math
import mmap
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import ctranslate2
import faster_whisper.transcribe as fw
import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from consumer.engine.protocol import Load
from contracts.languages import LANGUAGES
from contracts.requests import Mode
from contracts.transcript import Segment, Word

_SAMPLE_BYTES: Final = 2
_FULL_SCALE: Final = 32768.0
_LIBRARIES: Final = ("faster-whisper", "ctranslate2", "av", "numpy", "onnxruntime", "steno")

Audio = npt.NDArray[np.float32]


class ModelUnfitError(Exception):
    """The model cannot be loaded as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One transcription under way: the engine works while the segments are iterated."""

    segments: Iterator[Segment]
    language: str
    language_probability: float


class Whisper:
    """A model on a device. Blocks; one call per thread."""

    def __init__(self, order: Load) -> None:
        """Loads the weights.

        Raises:
            ModelUnfitError: no such device or compute type here, or the weights are broken.
        """
        device, index = _device(order.device)
        compute_type = _compute_type(order.compute_type, device)
        try:
            self._model = fw.WhisperModel(
                order.model_path,
                device=device,
                device_index=index,
                compute_type=compute_type,
                cpu_threads=order.cpu_threads or _cores(),
                num_workers=1,
                local_files_only=True,
            )
        except Exception as exc:
            raise ModelUnfitError(f"{order.model_path} on {device} with {compute_type}: {exc}") from exc
        self._device = device

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return self._device

    @property
    def compute_type(self) -> str:
        """What CTranslate2 computes with in the end."""
        return str(self._model.model.compute_type)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that have a token; a multilingual model of before 2023 lacks `yue`."""
        if not self._model.model.is_multilingual:
            return ("en",)
        has = self._model.hf_tokenizer.token_to_id
        return tuple(code for code in LANGUAGES if has(f"<|{code}|>") is not None)

    def transcribe(self, audio: Audio, mode: Mode, arguments: dict[str, JsonValue]) -> Heard:
        """Starts a transcription. Raises what faster-whisper raises, here or while iterating."""
        # The batched pipeline keeps state between calls and edits the VAD parameters: both are made for this call.
        target = fw.BatchedInferencePipeline(self._model) if mode is Mode.BATCHED else self._model
        segments, info = target.transcribe(audio, **copy.deepcopy(arguments))
        return Heard(_converted(segments), info.language, float(info.language_probability))


def versions() -> dict[str, str]:
    """Versions of the libraries that take part."""
    return {name: version(name) for name in _LIBRARIES}


def read_samples(descriptor: int, count: int) -> Audio:
    """float32 mono at 16 kHz in [-1, 1), shape (count,): as `decode_audio` makes it from the same int16 samples."""
    if count == 0:
        return np.zeros(0, np.float32)
    # Private, because kernels before 6.7 refuse a shared mapping of a sealed memfd even for reading.
    with mmap.mmap(descriptor, count * _SAMPLE_BYTES, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as mapped:
        audio = np.frombuffer(mapped, dtype=np.int16, count=count).astype(np.float32)
    audio /= _FULL_SCALE
    return audio


def _device(wanted: str) -> tuple[str, int]:
    count = ctranslate2.get_cuda_device_count()
    if wanted == "auto":
        return ("cuda", 0) if count else ("cpu", 0)
    if wanted == "cpu":
        return "cpu", 0
    index = int(wanted.partition(":")[2] or 0)
    if index >= count:
        raise ModelUnfitError(
            f"device '{wanted}' was asked for and {count or 'no'} CUDA device{' is' if count < 2 else 's are'} there: "  # noqa: PLR2004
            "set STENO_ENGINE__DEVICE to auto or cpu, or give this process a GPU and its driver"
        )
    return "cuda", index


def _compute_type(wanted: str, device: str) -> str:
    supported = ctranslate2.get_supported_compute_types(device)
    if wanted == "auto":
        best = "float16" if device == "cuda" else "int8"
        return best if best in supported else "float32"
    if wanted not in supported and wanted != "default":
        raise ModelUnfitError(
            f"compute type '{wanted}' is not among those of this {device}: "
            f"set STENO_ENGINE__COMPUTE_TYPE to auto or one of {', '.join(sorted(supported))}"
        )
    return wanted


def _cores() -> int:
    """Cores this process may use; CTranslate2 itself would take four threads whatever there is."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _converted(segments: Iterable[Any]) -> Iterator[Segment]:
    for found in segments:
        yield Segment(
            id=found.id,
            seek=found.seek,
            start=float(found.start),
            end=float(found.end),
            text=found.text,
            tokens=list(found.tokens),
            temperature=None if found.temperature is None else float(found.temperature),
            avg_logprob=_finite(found.avg_logprob),
            compression_ratio=_finite(found.compression_ratio),
            no_speech_prob=_finite(found.no_speech_prob),
            words=[
                Word(
                    word=word.word,
                    start=float(word.start),
                    end=float(word.end),
                    probability=_finite(word.probability),
                )
                for word in found.words or ()
            ],
        )


def _finite(figure: float) -> float:
    """A figure that JSON can carry: the mean over a word without tokens is no number."""
    return float(figure) if math.isfinite(figure) else 0.0
