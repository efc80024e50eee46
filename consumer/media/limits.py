"""What one file may cost and what it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIX: Final = "mono"
"""The layout that mixes all channels down; None in its place keeps them apart."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits on one file; both sides of the decoder know them. Defaults are those of the settings."""

    max_duration_s: float
    """Longer audio is refused."""
    timeout_s: float
    """Wall-clock time, and CPU time on top of it for a decoder that nobody watches any more."""
    memory_bytes: int
    """Address space on top of what the decoder has when it starts; samples do not count."""
    min_duration_s: float = 0.1
    """Shorter audio is refused."""
    max_streams: int = 64
    """Streams of all kinds."""
    max_channels: int = 32
    """Channels that may be mixed down."""
    max_tracks: int = 8
    """Channels that may be kept apart."""
    min_sample_rate_hz: int = 4_000
    max_sample_rate_hz: int = 768_000
    min_decoded_share: float = 0.5
    """Of the audio that a file promises; one that gives less is refused as damaged."""
