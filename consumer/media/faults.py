"""What can be wrong with media, in words that cross the border of the decoder process."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Why a decoder that works gives no samples."""

    EMPTY = "empty"
    UNSUPPORTED = "unsupported"
    UNKNOWN_CODEC = "unknown_codec"
    NO_AUDIO = "no_audio"
    CORRUPT = "corrupt"
    MOSTLY_LOST = "mostly_lost"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_MANY_STREAMS = "too_many_streams"
    TOO_MANY_CHANNELS = "too_many_channels"
    TOO_MANY_TRACKS = "too_many_tracks"
    SAMPLE_RATE = "sample_rate"
    OUT_OF_MEMORY = "out_of_memory"
    MACHINE = "machine"
    """Not the media: the disk that it is read from, or the memory that samples go to, fails."""


class MediaFaultError(Exception):
    """There will be no samples."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
