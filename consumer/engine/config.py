"""What one engine loads and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts.transcript import ModelIdentity


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """One model on one device."""

    model_name: str
    """What a request may call it."""
    model_path: Path
    identity: ModelIdentity
    device: str
    """`auto`, `cpu`, `cuda` or `cuda:N`."""
    compute_type: str
    """CTranslate2's name, or `auto`: float16 on CUDA and int8 on a CPU."""
    cpu_threads: int
    """0: as many as cores."""
    job_timeout_s: float
    load_timeout_s: float = 300.0
    """Weights of 3 GB from a cold network disk take minutes."""
    cancel_timeout_s: float = 5.0
    """How long a cancelled job may go on before its process is killed."""
