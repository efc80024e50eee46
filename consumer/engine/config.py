"""What one engine may load and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from contracts.transcript import ModelIdentity


class Backend(StrEnum):
    """Which code answers in the engine process."""

    FASTER_WHISPER = "faster-whisper"
    FAKE = "fake"
    """Needs no weights: text derived from the samples, and trouble on request."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that jobs may ask for."""

    name: str
    """What a request calls it."""
    path: Path
    identity: ModelIdentity
    size_bytes: int
    """What it counts for against the memory limit: the size of its weights."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Models on one device, in one process."""

    models: tuple[ModelSpec, ...]
    """The first is the default, loaded at the start; the others are loaded when a job asks for one."""
    job_timeout_s: float
    """The most that one transcription may take."""
    backend: Backend = Backend.FASTER_WHISPER
    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:N`."""
    compute_type: str = "auto"
    """CTranslate2's name, or `auto`: float16 on CUDA and int8 on a CPU."""
    slots: int = 0
    """Jobs at once; 0: see `threads.choose_threads`."""
    cpu_threads: int = 0
    """Threads of one job; 0: likewise."""
    models_bytes: int = 8 * 1024**3
    """Size of all models held at once; one that is larger is held alone."""
    recycle_jobs: int = 0
    """After so many jobs the process is replaced, between two jobs; 0: never."""
    recycle_rss_bytes: int = 0
    """Above this resident size likewise; 0: never."""
    max_rss_bytes: int = 0
    """Above this resident size it is killed at once; 0: never."""
    fake_switches: str = ""
    """What jobs of the fake do that do not say so themselves: see `consumer.engine.fake`."""
    timeout_ratio: float = 0.0
    """Seconds that one second of audio may take, on top of `timeout_base_s`; 0: only `job_timeout_s` counts."""
    timeout_base_s: float = 300.0
    load_timeout_s: float = 300.0
    """Weights of 3 GB from a cold network disk take minutes."""
    cancel_timeout_s: float = 5.0
    """How long a cancelled job may go on before its process is killed."""

    def deadline_s(self, audio_s: float) -> float:
        """How long so much audio may take: a short file that hangs must not hold a slot for hours."""
        if not self.timeout_ratio:
            return self.job_timeout_s
        return min(self.job_timeout_s, self.timeout_base_s + self.timeout_ratio * audio_s)
