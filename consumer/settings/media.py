"""Limits on what is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from consumer.settings.group import Group
from consumer.settings.notation import Bytes, Seconds


class MediaSettings(Group):
    """Limits on one input."""

    max_bytes: Bytes = Field(2 * 1024**3, gt=0, description="largest object, in bytes")
    max_duration_s: Seconds = Field(4 * 3600, gt=0, description="longest audio, in seconds")
    min_duration_s: Seconds = Field(0.1, gt=0, description="shortest audio, in seconds")
    max_streams: int = Field(64, gt=0, description="most streams in one file")
    max_channels: int = Field(32, gt=0, le=1024, description="most channels that are mixed down")
    max_tracks: int = Field(8, gt=0, le=16, description="most channels that are transcribed separately")
    min_sample_rate_hz: int = Field(4000, ge=1000, description="lowest sample rate, in Hz")
    max_sample_rate_hz: int = Field(768_000, gt=0, description="highest sample rate, in Hz")
    min_decoded_share: float = Field(
        0.5, ge=0, le=1, description="share of its audio that a damaged file must yield; 0 takes whatever is left"
    )
    decode_timeout_s: Seconds = Field(600, gt=0, description="longest time one file may take to decode, in seconds")
    decode_memory_bytes: Bytes = Field(1024**3, ge=256 * 1024**2, description="memory one decoder may use, in bytes")

    def contradictions(self) -> Iterator[str]:
        """Lowest values above the highest ones."""
        if self.min_duration_s > self.max_duration_s:
            yield (
                f"STENO_MEDIA__MIN_DURATION_S ({self.min_duration_s:g}) is above "
                f"STENO_MEDIA__MAX_DURATION_S ({self.max_duration_s:g}): no file could pass"
            )
        if self.min_sample_rate_hz > self.max_sample_rate_hz:
            yield (
                f"STENO_MEDIA__MIN_SAMPLE_RATE_HZ ({self.min_sample_rate_hz}) is above "
                f"STENO_MEDIA__MAX_SAMPLE_RATE_HZ ({self.max_sample_rate_hz}): no file could pass"
            )
