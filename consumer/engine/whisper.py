"""faster-whisper in the engine process: devices, models and transcriptions. Imported there only."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any, Final

import ctranslate2
import faster_whisper.transcribe as fw
import numpy as np
from pydantic import JsonValue

from consumer.engine import cuda, vad
from consumer.engine.backend import SAMPLE_BYTES, Heard, NoDeviceError, Track, UnfitError
from consumer.engine.features import BoundedExtractor
from consumer.engine.lazy import Floats, LazyArray
from contracts.languages import LANGUAGES
from contracts.requests import Mode
from contracts.transcript import Segment, Word

_FULL_SCALE: Final = np.float32(32768.0)
_LIBRARIES: Final = ("faster-whisper", "ctranslate2", "av", "numpy", "onnxruntime", "steno")


class WhisperDevice:
    """A CPU or a GPU with CTranslate2. Implements `backend.Device`."""

    def __init__(self, wanted: str, compute_type: str) -> None:
        """Looks what is there.

        Raises:
            NoDeviceError: no such device here.
            UnfitError: it has no such compute type.
        """
        vad.install()
        self.name, self._index, no_gpu = _device(wanted, ctranslate2.get_cuda_device_count())
        self.compute_type, lacks = _compute_type(compute_type, self.name)
        self.notice = "; ".join(each for each in (no_gpu, lacks) if each) or None
        self.versions = {name: version(name) for name in _LIBRARIES}

    def load(self, path: str, slots: int, cpu_threads: int) -> WhisperModel:
        """Loads weights; see `backend.Device`."""
        try:
            model = fw.WhisperModel(
                path,
                device=self.name,
                device_index=self._index,
                compute_type=self.compute_type,
                cpu_threads=cpu_threads,
                num_workers=slots,
                local_files_only=True,
            )
        except Exception as exc:
            raise UnfitError(f"{path} on {self.name} with {self.compute_type}: {exc}") from exc
        return WhisperModel(model)


class WhisperModel:
    """A loaded model. Implements `backend.Model`."""

    def __init__(self, model: Any, batched: Callable[[Any], Any] = fw.BatchedInferencePipeline) -> None:
        """Takes a faster-whisper model, gives it an extractor that holds no whole file, and its batched form."""
        model.feature_extractor = BoundedExtractor(**model.feat_kwargs)
        self._model = model
        self._batched = batched

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

    def transcribe(self, track: Track, mode: Mode, arguments: dict[str, JsonValue]) -> Heard:
        """Starts a transcription; see `backend.Model`."""
        # The batched pipeline keeps state between calls and edits the VAD parameters: both are made for this call.
        target = self._batched(self._model) if mode is Mode.BATCHED else self._model
        segments, info = target.transcribe(audio_of(track), **copy.deepcopy(arguments))
        return Heard(_converted(segments), info.language, float(info.language_probability))


class _Samples:
    """A track as faster-whisper's `decode_audio` would give it."""

    def __init__(self, track: Track) -> None:
        self._track = track

    def read(self, first: int, last: int) -> Floats:
        samples = np.frombuffer(self._track.read(first, last), dtype=np.int16)
        return samples.astype(np.float32) / _FULL_SCALE


def audio_of(track: Track) -> LazyArray:
    """float32 mono at 16 kHz in [-1, 1), shape (count,), read when it is looked at.

    Raises:
        EOFError: the file is shorter than was said.
    """
    if os.fstat(track.descriptor).st_size < track.count * SAMPLE_BYTES:
        raise EOFError(f"{track.count} samples were announced and fewer are there")
    return LazyArray.of(_Samples(track), track.count)


def _device(wanted: str, count: int) -> tuple[str, int, str | None]:
    """Kind and number of the device, and what there is to say when `auto` could not take a GPU."""
    if wanted == "cpu":
        return "cpu", 0, None
    lack = cuda.missing_library() if count else f"no CUDA device is to be seen ({cuda.absence()})"
    if wanted == "auto":
        return ("cpu", 0, lack) if lack else ("cuda", 0, None)
    index = int(wanted.partition(":")[2] or 0)
    if count and index >= count:
        lack = f"only {count} CUDA device{'s are' if count > 1 else ' is'} there, numbered from 0"
    if lack:
        raise NoDeviceError(
            f"device '{wanted}' was asked for, and {lack}: set STENO_ENGINE__DEVICE to auto or cpu, or give this "
            "process a GPU, its driver and cuBLAS 12 (docker run --gpus all, the image's variant for CUDA)"
        )
    return "cuda", index, None


def _compute_type(wanted: str, device: str) -> tuple[str, str | None]:
    """The compute type, and what there is to say when `auto` could not take the device's best."""
    supported = ctranslate2.get_supported_compute_types(device)
    if wanted == "auto":
        best = "float16" if device == "cuda" else "int8"
        if best in supported:
            return best, None
        return "float32", f"this {device} has no {best}, float32 is used"
    if wanted not in supported and wanted != "default":
        raise UnfitError(
            f"compute type '{wanted}' is not among those of this {device}: "
            f"set STENO_ENGINE__COMPUTE_TYPE to auto or one of {', '.join(sorted(supported))}"
        )
    return wanted, None


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
