"""What the stages of a transcription hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.transcript import ModelIdentity, Segment

SAMPLE_RATE_HZ: Final = 16_000
"""Rate of all decoded audio."""


@dataclass(frozen=True, slots=True)
class FetchedObject:
    """What was fetched, exactly."""

    size_bytes: int
    sha256: str
    etag: str
    version_id: str | None


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the decoder found."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    declared_duration_s: float | None = None
    """Length that the header tells; None where it does not, or only guesses."""
    damaged_packets: int = 0
    """Pieces that could not be decoded."""
    lost_s: float = 0.0
    """Seconds of audio that are known to be missing: silence stands for them, or they were cut off."""


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What the engine heard, before it becomes a transcript."""

    segments: Sequence[Segment]
    language: str
    language_probability: float
    model: ModelIdentity
    engine: str
    device: str
    compute_type: str
    mode: str
    options: dict[str, object]
    """The arguments that reached the engine; JSON values."""
    versions: dict[str, str]
    engine_s: float
    """Seconds the engine worked, without the wait for a free slot."""
