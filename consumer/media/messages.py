"""What each fault means to who sent the media: its code, and what to do next."""

from __future__ import annotations

from typing import Final

from consumer.media.faults import Fault
from contracts.errors import ErrorCode

FAULTS: Final = {
    Fault.EMPTY: (
        ErrorCode.MEDIA_CORRUPT,
        "The file is empty. Provide it whole.",
    ),
    Fault.UNSUPPORTED: (
        ErrorCode.MEDIA_UNSUPPORTED,
        "This is no audio or video file of a known kind. Convert it, for example to FLAC, MP3 or MP4.",
    ),
    Fault.UNKNOWN_CODEC: (
        ErrorCode.MEDIA_UNSUPPORTED,
        "The audio track has a codec that is not read. Convert the file, for example to FLAC, MP3 or MP4.",
    ),
    Fault.NO_AUDIO: (
        ErrorCode.MEDIA_NO_AUDIO,
        "The file has no audio track. Check that it is the right one.",
    ),
    Fault.CORRUPT: (
        ErrorCode.MEDIA_CORRUPT,
        "The file is damaged or incomplete: no audio could be decoded. Provide it whole, or repair it.",
    ),
    Fault.MOSTLY_LOST: (
        ErrorCode.MEDIA_CORRUPT,
        (
            "The file is damaged or incomplete: under {limits.min_decoded_share:.0%} of its audio could be decoded. "
            "Provide it whole, repair it, or lower STENO_MEDIA__MIN_DECODED_SHARE to take what is left."
        ),
    ),
    Fault.TOO_LONG: (
        ErrorCode.INPUT_TOO_LONG,
        "The audio is longer than {limits.max_duration_s:g} s. Split it, or raise STENO_MEDIA__MAX_DURATION_S.",
    ),
    Fault.TOO_SHORT: (
        ErrorCode.INPUT_TOO_SHORT,
        "The audio is shorter than {limits.min_duration_s:g} s: there is nothing to transcribe.",
    ),
    Fault.TOO_MANY_STREAMS: (
        ErrorCode.MEDIA_UNSUPPORTED,
        "The file has over {limits.max_streams} streams (STENO_MEDIA__MAX_STREAMS). Extract the one that speaks.",
    ),
    Fault.TOO_MANY_CHANNELS: (
        ErrorCode.MEDIA_UNSUPPORTED,
        "The audio has over {limits.max_channels} channels (STENO_MEDIA__MAX_CHANNELS). Mix it down first.",
    ),
    Fault.TOO_MANY_TRACKS: (
        ErrorCode.MEDIA_UNSUPPORTED,
        (
            "The audio has over {limits.max_tracks} channels, which is the most that are transcribed separately "
            "(STENO_MEDIA__MAX_TRACKS). Ask for 'channels': 'mix', or split the file."
        ),
    ),
    Fault.SAMPLE_RATE: (
        ErrorCode.MEDIA_UNSUPPORTED,
        (
            "The audio has a sample rate outside {limits.min_sample_rate_hz} to {limits.max_sample_rate_hz} Hz "
            "(STENO_MEDIA__MIN_SAMPLE_RATE_HZ, STENO_MEDIA__MAX_SAMPLE_RATE_HZ). Convert it."
        ),
    ),
    Fault.OUT_OF_MEMORY: (
        ErrorCode.MEDIA_DECODER_FAILED,
        "Decoding needs over {limits.memory_bytes} bytes. Convert the file or raise STENO_MEDIA__DECODE_MEMORY_BYTES.",
    ),
    Fault.MACHINE: (
        ErrorCode.INTERNAL,
        (
            "The worker's machine could not read the fetched file, or not keep its samples: the file is not at fault. "
            "Look at the disk of STENO_SCRATCH__DIR and at the memory."
        ),
    ),
}
"""Every fault's code and message; `{limits}` are the DecodeLimits."""
