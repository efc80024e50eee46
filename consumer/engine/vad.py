"""faster-whisper's voice activity detector on lazy audio: the same windows in the same batches, read one by one.

Imported in the engine process only.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import faster_whisper.transcribe as fw
import faster_whisper.vad as fw_vad
import numpy as np

from consumer.engine.lazy import Floats, LazyArray

_WINDOW: Final = 512
_CONTEXT: Final = 64
_BATCH: Final = 10_000
"""Windows that the detector takes at once, as in faster-whisper: its state passes from batch to batch."""


def install() -> None:
    """Has faster-whisper take lazy audio wherever it takes an array, and nothing else: no path is ever opened here."""
    fw.decode_audio = _as_it_is
    fw_vad.get_vad_model = _detector


def _as_it_is(audio: Any, sampling_rate: int = 16_000) -> LazyArray:
    if not isinstance(audio, LazyArray):
        raise TypeError(f"audio at {sampling_rate} Hz was expected, not {type(audio).__name__}")
    return audio


class BoundedDetector:
    """Speech probabilities of windows of 512 samples."""

    def __init__(self, model: Any) -> None:
        """Takes faster-whisper's own model for its session."""
        self._session = model.session

    def __call__(self, audio: LazyArray) -> Floats:
        """float32, shape (windows, 1) or as the model answers; the audio is padded to whole windows."""
        windows = audio.shape[-1] // _WINDOW
        state = {name: np.zeros((1, 1, 128), np.float32) for name in ("h", "c")}
        outputs = []
        for first in range(0, windows, _BATCH):
            last = min(first + _BATCH, windows)
            batch = _with_context(audio, first, last, is_end=last == windows)
            output, state["h"], state["c"] = self._session.run(None, {"input": batch, **state})
            outputs.append(output)
        return np.concatenate(outputs, axis=0)


def _with_context(audio: LazyArray, first: int, last: int, *, is_end: bool) -> Floats:
    """Windows [first, last), each after the last samples of the one before it."""
    samples = audio.read(first * _WINDOW, last * _WINDOW)
    if is_end:
        samples = samples.copy()
        samples[-_CONTEXT:] = 0  # faster-whisper clears them through a view, and its figures stand on that
    before = audio.read(first * _WINDOW - _CONTEXT, first * _WINDOW) if first else np.zeros(_CONTEXT, np.float32)
    rows = samples.reshape(-1, _WINDOW)
    contexts = np.concatenate((before[np.newaxis], rows[:-1, -_CONTEXT:]))
    return np.concatenate((contexts, rows), axis=1)


_original: Final = fw_vad.get_vad_model


@functools.lru_cache
def _detector() -> BoundedDetector:
    return BoundedDetector(_original())
