"""Opening media: which containers are read, and nothing else than the file that was given."""

from __future__ import annotations

import errno
from typing import BinaryIO, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from consumer.media.faults import Fault, MediaFaultError

CONTAINERS: Final = (
    "aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "loas", "matroska",
    "mov", "mp3", "mpeg", "mpegts", "ogg", "tta", "voc", "w64", "wav", "webm", "wv",
)  # fmt: skip
"""FFmpeg demuxers that may be used: what speech comes in, and none that opens other files or takes images."""

_SIGNATURES: Final = ((0, b"RIFF"), (0, b"OggS"), (0, b"fLaC"), (0, b"ID3"), (4, b"ftyp"), (0, b"\x1aE\xdf\xa3"))
"""Offsets and magic bytes of common containers: what starts so and cannot be opened is damaged."""


def open_media(media: BinaryIO) -> InputContainer:
    """Opens a container by its content; the caller closes it.

    Raises:
        MediaFaultError: the file is empty, of no known kind, or damaged at its start.
    """
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"}
    try:
        return av.open(media, mode="r", container_options=options, metadata_errors="ignore")
    except av.FFmpegError as exc:
        raise MediaFaultError(_fault_at_open(exc, media)) from exc


def first_audio(container: InputContainer) -> AudioStream:
    """The stream to decode, on one thread.

    Raises:
        MediaFaultError: there is none, or its codec is unknown.
    """
    if not container.streams.audio:
        raise MediaFaultError(Fault.NO_AUDIO)
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise MediaFaultError(Fault.UNKNOWN_CODEC)
    stream.codec_context.thread_count = 1
    return stream


def _fault_at_open(error: av.FFmpegError, media: BinaryIO) -> Fault:
    if error.errno == errno.ENOMEM:
        return Fault.OUT_OF_MEMORY
    media.seek(0)
    start = media.read(16)
    if not start:
        return Fault.EMPTY
    is_damaged = any(start[offset:].startswith(magic) for offset, magic in _SIGNATURES)
    return Fault.CORRUPT if is_damaged else Fault.UNSUPPORTED
