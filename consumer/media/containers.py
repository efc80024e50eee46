"""Opening media: which containers are read, and nothing else than the file that was given."""

from __future__ import annotations

from typing import BinaryIO, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from consumer.media.ends import is_cut_off
from consumer.media.errors import fault_of
from consumer.media.faults import Fault, MediaFaultError

CONTAINERS: Final = (
    "aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "loas", "matroska",
    "mov", "mp3", "mpeg", "mpegts", "ogg", "tta", "voc", "w64", "wav", "webm", "wv",
)  # fmt: skip
"""FFmpeg demuxers that may be used: what speech comes in, and none that opens other files or takes images."""

_SIGNATURES: Final = (
    (0, b"RIFF"), (0, b"RF64"), (0, b"riff"), (0, b"FORM"), (0, b".snd"), (0, b"caff"), (0, b"OggS"), (0, b"fLaC"),
    (0, b"ID3"), (0, b"wvpk"), (0, b"TTA1"), (0, b"MAC "), (0, b"FLV\1"), (0, b"#!AMR"), (0, b"0&\xb2u\x8ef\xcf\x11"),
    (0, b"\x1aE\xdf\xa3"), (4, b"ftyp"),
)  # fmt: skip
"""Offsets and magic bytes of common containers: what starts so and cannot be opened is damaged."""

_IGNORES_INDEX: Final = 2
"""FFmpeg's AVFMT_FLAG_IGNIDX; PyAV's types are wrong about its own name for it."""


def open_media(media: BinaryIO) -> InputContainer:
    """Opens a container by its content; the caller closes it.

    FFmpeg looks at every fragment of an MP4 first and gives up when one is cut short: what is there is read without
    looking ahead then.

    Raises:
        MediaFaultError: the file is empty, of no known kind, or damaged at its start.
    """
    try:
        return _opened(media)
    except av.FFmpegError as exc:
        fault = _fault_at_open(exc, media)
        if fault is not Fault.CORRUPT:
            raise MediaFaultError(fault) from exc
    media.seek(0)
    try:
        return _opened(media, fflags="+ignidx")
    except av.FFmpegError as exc:
        raise MediaFaultError(Fault.CORRUPT) from exc


def _opened(media: BinaryIO, **options: str) -> InputContainer:
    whitelists = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"}
    return av.open(media, mode="r", container_options={**whitelists, **options}, metadata_errors="ignore")


def looks_not_ahead(container: InputContainer) -> bool:
    """Whether it could be opened only so: it is damaged, and what it tells of its length means nothing."""
    return bool(container.flags & _IGNORES_INDEX)


def first_audio(container: InputContainer, media: BinaryIO) -> AudioStream:
    """The stream to decode, on one thread; `media` is the file behind the container and stays where it is.

    Raises:
        MediaFaultError: there is none, or its codec is unknown; in a file that is cut short that means nothing.
    """
    streams = container.streams.audio
    if streams and streams[0].codec_context is not None:
        streams[0].codec_context.thread_count = 1
        return streams[0]
    if is_cut_off(media, container.format.name):
        raise MediaFaultError(Fault.CORRUPT)
    raise MediaFaultError(Fault.UNKNOWN_CODEC if streams else Fault.NO_AUDIO)


def _fault_at_open(error: av.FFmpegError, media: BinaryIO) -> Fault:
    if (fault := fault_of(error)) in {Fault.OUT_OF_MEMORY, Fault.MACHINE}:
        return fault
    media.seek(0)
    start = media.read(16)
    if not start:
        return Fault.EMPTY
    is_damaged = any(start[offset:].startswith(magic) for offset, magic in _SIGNATURES)
    return Fault.CORRUPT if is_damaged else Fault.UNSUPPORTED
