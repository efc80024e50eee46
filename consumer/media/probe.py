"""What a file's header tells, and what it is refused for before anything is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import DecodeLimits

_GUESSED: Final = frozenset(("aac", "ac3", "amr", "eac3", "loas", "mpeg", "mpegts"))
"""Containers without a duration: FFmpeg infers one from bit rate and file size, which may be far off."""
_OF_ALL_STREAMS: Final = frozenset(("asf", "flv", "matroska,webm"))
"""Containers with one duration for all streams: with a picture beside it the sound may be shorter."""

_ID3_BYTES: Final = 10
_FIRST_FRAME_BYTES: Final = 4096
_MP3_FRAME_COUNTS: Final = (b"Xing", b"Info", b"VBRI")
_RIFF_PLACEHOLDER: Final = 0x7FF0_0000
"""Sizes from here on are what writers to a pipe put in place of the unknown one."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header tells."""

    streams: int
    sample_rate_hz: int
    """0 where only decoding will tell; the same for channels."""
    channels: int
    declared_duration_s: float | None
    """None where the header does not tell, or FFmpeg only guesses."""


def probe(media: BinaryIO, container: InputContainer, stream: AudioStream) -> Probe:
    """Reads the header of an open container; `media` is the file behind it and stays where it is."""
    return Probe(
        streams=len(container.streams),
        sample_rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        declared_duration_s=_declared_duration_s(media, container, stream),
    )


def check(found: Probe, limits: DecodeLimits, *, most_tracks: int | None) -> None:
    """Lets pass what is worth decoding; `most_tracks` is None where channels are mixed down.

    Raises:
        MediaFaultError: a limit is exceeded already.
    """
    if found.streams > limits.max_streams:
        raise MediaFaultError(Fault.TOO_MANY_STREAMS)
    check_form(found.sample_rate_hz or limits.min_sample_rate_hz, found.channels, limits)
    if most_tracks is not None and found.channels > most_tracks:
        raise MediaFaultError(Fault.TOO_MANY_TRACKS)
    if found.declared_duration_s and found.declared_duration_s > limits.max_duration_s:
        raise MediaFaultError(Fault.TOO_LONG)


def check_form(sample_rate_hz: int, channels: int, limits: DecodeLimits) -> None:
    """Lets pass a form that can be resampled in bounded memory; a stream may change its form at any frame.

    Raises:
        MediaFaultError: it cannot.
    """
    if not limits.min_sample_rate_hz <= sample_rate_hz <= limits.max_sample_rate_hz:
        raise MediaFaultError(Fault.SAMPLE_RATE)
    if channels > limits.max_channels:
        raise MediaFaultError(Fault.TOO_MANY_CHANNELS)


def _declared_duration_s(media: BinaryIO, container: InputContainer, stream: AudioStream) -> float | None:
    name = container.format.name
    if name in _GUESSED or (name == "mp3" and not _tells_frames(media)):
        return None
    if name in _OF_ALL_STREAMS and len(container.streams) > 1:
        return None
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration:
        duration_s = container.duration / av.time_base
    else:
        return None
    duration_s *= _missing_factor(media) if name == "wav" else 1.0
    return duration_s if duration_s > 0 else None


def _tells_frames(media: BinaryIO) -> bool:
    """Whether an MP3's first frame counts the others."""
    tag = _read_at(media, 0, _ID3_BYTES)
    start = _ID3_BYTES + _synchsafe(tag[6:]) if tag.startswith(b"ID3") and len(tag) == _ID3_BYTES else 0
    return any(word in _read_at(media, start, _FIRST_FRAME_BYTES) for word in _MP3_FRAME_COUNTS)


def _synchsafe(size: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(size)))


def _missing_factor(media: BinaryIO) -> float:
    """By how much a WAV is shorter than its header says; FFmpeg tells the length of what is there."""
    position = media.tell()
    size = media.seek(0, 2)
    media.seek(position)
    start = _read_at(media, 0, 8)
    promised: int = struct.unpack("<4xI", start)[0] + 8 if len(start) == 8 else 0  # noqa: PLR2004 - its length
    return promised / size if size < promised < _RIFF_PLACEHOLDER else 1.0


def _read_at(media: BinaryIO, offset: int, size: int) -> bytes:
    position = media.tell()
    media.seek(offset)
    try:
        return media.read(size)
    finally:
        media.seek(position)
