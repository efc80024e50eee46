"""The voice activity detector on lazy audio says what it says on an array."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.vad import SileroVADModel, get_assets_path

from consumer.engine.lazy import Given, LazyArray
from consumer.engine.vad import BoundedDetector, _as_it_is
from tests import speech

MODEL = SileroVADModel(f"{get_assets_path()}/silero_vad_v6.onnx")


@pytest.mark.parametrize("windows", [1, 2, 300, 10_000, 10_001, 20_100])
def test_probabilities_equal_those_of_the_whole_array(windows: int) -> None:
    spoken = np.frombuffer(speech.samples(speech.ENGLISH), np.int16).astype(np.float32) / 32768
    audio = np.resize(spoken, windows * 512).astype(np.float32)
    ours = BoundedDetector(MODEL)(LazyArray.of(Given(audio.copy()), len(audio)))
    assert np.array_equal(ours, MODEL(audio.copy()))


def test_no_path_and_no_array_is_taken_for_audio() -> None:
    with pytest.raises(TypeError, match="not str"):
        _as_it_is("/etc/passwd")
