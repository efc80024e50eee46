"""Real engines for tests: configurations and samples."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from faster_whisper.audio import decode_audio

from consumer.engine.config import EngineConfig
from consumer.models.resolve import LocatedModel, locate
from consumer.ports import MediaInfo, Samples
from tests.speech import Clip

COMPUTE_TYPE: Final = "int8"
THREADS: Final = 1


@cache
def _cache_dir() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="steno-models-")


@cache
def located(name: str) -> LocatedModel:
    """A model's weights, in a cache that lasts as long as this run."""
    return locate(name, Path(_cache_dir().name))


def make_engine_config(model: str = "tiny.en", **changes: Any) -> EngineConfig:
    """One model on one thread of the CPU."""
    found = located(model)
    config = EngineConfig(model, found.path, found.identity, "cpu", COMPUTE_TYPE, THREADS, job_timeout_s=120)
    return replace(config, **changes)


@cache
def decoded(clip: Clip) -> npt.NDArray[np.float32]:
    """float32 mono at 16 kHz, shape (n,), as faster-whisper itself decodes the file."""
    audio: npt.NDArray[np.float32] = decode_audio(str(clip.path))
    return audio


def make_samples(clip: Clip, *, count: int | None = None) -> Samples:
    """The clip as the decoder hands it over."""
    samples = (decoded(clip) * 32768.0).astype(np.int16)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the samples own it
    file.write(samples.tobytes())
    file.flush()
    return Samples(file, len(samples) if count is None else count, MediaInfo("wav", "pcm_s16le", 16_000, 1))
