"""What can be wrong with media, in words that cross the border of the decoder process."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Why a decoder that works gives no samples."""

    UNSUPPORTED = "unsupported"
    NO_AUDIO = "no_audio"
    CORRUPT = "corrupt"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    OUT_OF_MEMORY = "out_of_memory"


class MediaFaultError(Exception):
    """The media is at fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
