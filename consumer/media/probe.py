"""What a file's header tells, and what it is refused for before anything is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from consumer.media.containers import looks_not_ahead
from consumer.media.ends import is_cut_off
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.headers import promised_duration_s
from consumer.media.limits import DecodeLimits

_GUESSED: Final = frozenset(("aac", "ac3", "amr", "eac3", "loas", "mpeg", "mpegts"))
"""Containers without a duration: FFmpeg infers one from bit rate and file size, which may be far off."""
_OF_ALL_STREAMS: Final = frozenset(("asf", "flv", "matroska,webm"))
"""Containers with one duration for all streams: with a picture beside it the sound may be shorter."""

_ID3_BYTES: Final = 10
_FIRST_FRAME_BYTES: Final = 4096
_MP3_SAMPLES: Final = 1152
_MP3_FRAME_COUNT: Final = re.compile(
    rb"(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f](?P<xing>.{4})|VBRI.{10}(?P<vbri>.{4})", re.DOTALL
)
"""Flags with the lowest bit tell that the count follows."""
_TAGGED_DURATION: Final = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d{1,9})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header tells."""

    streams: int
    sample_rate_hz: int
    """0 where only decoding will tell; the same for channels."""
    channels: int
    declared_duration_s: float | None
    """None where the header does not tell, or FFmpeg only guesses."""
    is_incomplete: bool = False
    """Whether something is known to be missing, however much."""


def probe(media: BinaryIO, container: InputContainer, stream: AudioStream) -> Probe:
    """Reads the header of an open container; `media` is the file behind it and stays where it is."""
    is_broken = looks_not_ahead(container)
    return Probe(
        streams=len(container.streams),
        sample_rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        declared_duration_s=None if is_broken else _declared_duration_s(media, container, stream),
        is_incomplete=is_broken or is_cut_off(media, container.format.name),
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
    if name in _GUESSED:
        return None
    if name in _OF_ALL_STREAMS and len(container.streams) > 1:
        return _tagged_duration_s(stream)
    promised_s = promised_duration_s(media, name, stream.index)
    if promised_s is not None:
        return promised_s
    if name == "mp3":
        return _counted_duration_s(media, container, stream)
    return _duration_s(container, stream)


def _duration_s(container: InputContainer, stream: AudioStream) -> float | None:
    """As FFmpeg says."""
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    else:
        duration_s = (container.duration or 0) / av.time_base
    return duration_s if duration_s > 0 else None


def _tagged_duration_s(stream: AudioStream) -> float | None:
    """What most writers of Matroska note for each of its streams."""
    match = _TAGGED_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if not match:
        return None
    hours, minutes, seconds = map(float, match.groups())
    return 3600 * hours + 60 * minutes + seconds or None


def _counted_duration_s(media: BinaryIO, container: InputContainer, stream: AudioStream) -> float | None:
    """Of an MP3 whose first frame counts the others: FFmpeg takes tags behind the last one for sound."""
    frames = _counted_frames(media)
    said_s = _duration_s(container, stream)
    if not frames or said_s is None or not stream.codec_context.sample_rate:
        return None
    return min(said_s, frames * (stream.codec_context.frame_size or _MP3_SAMPLES) / stream.codec_context.sample_rate)


def _counted_frames(media: BinaryIO) -> int | None:
    tag = _read_at(media, 0, _ID3_BYTES)
    start = _ID3_BYTES + _synchsafe(tag[6:]) if tag.startswith(b"ID3") and len(tag) == _ID3_BYTES else 0
    first = _read_at(media, start, _FIRST_FRAME_BYTES)
    match = _MP3_FRAME_COUNT.search(first)
    return int.from_bytes(match["xing"] or match["vbri"]) if match else None


def _synchsafe(size: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(size)))


def _read_at(media: BinaryIO, offset: int, size: int) -> bytes:
    position = media.tell()
    media.seek(offset)
    try:
        return media.read(size)
    finally:
        media.seek(position)
