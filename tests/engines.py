"""Real engines for tests: configurations and samples."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from faster_whisper.audio import decode_audio

from consumer.engine.config import Backend, EngineConfig, ModelSpec
from consumer.models.catalog import WEIGHTS
from consumer.models.resolve import LocatedModel, locate
from consumer.ports import SAMPLE_RATE_HZ, MediaInfo, Samples
from contracts.transcript import ModelIdentity
from tests.speech import Clip

COMPUTE_TYPE: Final = "int8"
THREADS: Final = 1


_CACHE: Final = Path(__file__).parents[1] / ".cache" / "models"


@cache
def located(name: str) -> LocatedModel:
    """A model's weights, in a cache that later runs use again: one of this run alone would stay where it is killed."""
    return locate(name, _CACHE)


@cache
def spec(name: str) -> ModelSpec:
    """A real model, as an engine is told of it."""
    found = located(name)
    return ModelSpec(name, found.path, found.identity, (found.path / WEIGHTS).stat().st_size)


def make_engine_config(*models: str, **changes: Any) -> EngineConfig:
    """Real models, `tiny.en` unless named, on the CPU: one slot, one thread."""
    config = EngineConfig(
        models=tuple(spec(name) for name in models or ("tiny.en",)),
        device="cpu",
        compute_type=COMPUTE_TYPE,
        slots=1,
        cpu_threads=THREADS,
        job_timeout_s=120,
    )
    return replace(config, **changes)


def make_fake_config(*models: str, **changes: Any) -> EngineConfig:
    """The fake with two slots; each model counts for one byte."""
    config = EngineConfig(
        models=tuple(ModelSpec(name, Path(), ModelIdentity(name=name), 1) for name in models or ("base",)),
        backend=Backend.FAKE,
        slots=2,
        job_timeout_s=60,
    )
    return replace(config, **changes)


@cache
def decoded(clip: Clip) -> npt.NDArray[np.float32]:
    """float32 mono at 16 kHz, shape (n,), as faster-whisper itself decodes the file."""
    audio: npt.NDArray[np.float32] = decode_audio(str(clip.path))
    return audio


def make_samples(clip: Clip, *, count: int | None = None, at_least_s: float = 0.0) -> Samples:
    """The clip as the decoder hands it over, again and again where it is shorter."""
    samples = (decoded(clip) * 32768.0).astype(np.int16)
    samples = np.tile(samples, max(math.ceil(at_least_s * SAMPLE_RATE_HZ / len(samples)), 1))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the samples own it
    file.write(samples.tobytes())
    file.flush()
    return Samples(file, len(samples) if count is None else count, MediaInfo("wav", "pcm_s16le", 16_000, 1))


def make_noise(seconds: float = 1.0, *, seed: int = 0) -> Samples:
    """Samples that cost nothing to make: the fake tells them apart by their seed."""
    count = round(seconds * SAMPLE_RATE_HZ)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the samples own it
    file.write((seed.to_bytes(2, "little") * count)[: 2 * count])
    file.flush()
    return Samples(file, count, MediaInfo("wav", "pcm_s16le", SAMPLE_RATE_HZ, 1))
