"""What a file promised before it was cut short: of these containers FFmpeg tells the length of what is there.

Their headers are read once more, here. A header that tells nothing, that its writer left open or that makes no sense
gives None.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, Final

from consumer.media.chunks import Chunk, chunks, chunks_up_to

_PLACEHOLDER: Final = 0x7FF0_0000
"""Sizes of 32 bits from here on are what writers to a pipe put in place of the unknown one."""
_PLACEHOLDER_64: Final = 2**63
_UNCOMPRESSED: Final = frozenset((0x1, 0x3, 0x6, 0x7, 0xFFFE))
"""Format tags of a WAV whose blocks are one sample of each channel: PCM, float, A-law, mu-law, extensible."""
ASF_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_BROADCAST: Final = 1
_ASF_TICKS_PER_S: Final = 10_000_000
_CAF_EDIT_COUNT_BYTES: Final = 4


def promised_duration_s(media: BinaryIO, container: str, stream: int) -> float | None:
    """How long the audio was meant to be.

    Args:
        media: stays where it is.
        container: FFmpeg's name of it.
        stream: index of the audio stream.
    """
    read = _READERS.get(container)
    position = media.tell()
    try:
        duration_s = read(media, stream) if read else None
    except (struct.error, ZeroDivisionError):
        return None
    finally:
        media.seek(position)
    return duration_s if duration_s and duration_s > 0 else None


def _of_wav(media: BinaryIO, _: int) -> float | None:
    found = chunks_up_to(b"data", chunks(media, 12, "<4sI"))
    size = found[b"data"].size if b"data" in found else 0
    if size >= _PLACEHOLDER:
        size = found[b"ds64"].number("<Q", 8) if b"ds64" in found else 0
    return _of_wave(found, size)


def _of_w64(media: BinaryIO, _: int) -> float | None:
    found = chunks_up_to(b"data", chunks(media, 40, "<4s12xQ", counted_bytes=24, padding=8))
    return _of_wave(found, found[b"data"].size if b"data" in found else 0)


def _of_wave(found: dict[bytes, Chunk], data_bytes: int) -> float | None:
    """None for compressed audio that counts its samples: FFmpeg reads the count."""
    if b"fmt " not in found or not 0 < data_bytes < _PLACEHOLDER_64:
        return None
    tag, _, rate_hz, bytes_per_s, block_bytes = struct.unpack_from("<HHIIH", found[b"fmt "].content)
    if tag in _UNCOMPRESSED:
        return float(data_bytes / (block_bytes * rate_hz))
    return None if b"fact" in found else float(data_bytes / bytes_per_s)


def _of_caf(media: BinaryIO, _: int) -> float | None:
    """None for packets that differ in length: another chunk counts them, which FFmpeg reads."""
    found = chunks_up_to(b"data", chunks(media, 8, ">4sQ", padding=1))
    if b"desc" not in found or b"data" not in found or found[b"data"].size >= _PLACEHOLDER_64:
        return None
    rate_hz, packet_bytes, packet_frames = struct.unpack_from(">d8xII", found[b"desc"].content)
    return float((found[b"data"].size - _CAF_EDIT_COUNT_BYTES) / packet_bytes * packet_frames / rate_hz)


def _of_avi(media: BinaryIO, stream: int) -> float | None:
    streams = [chunk for chunk in chunks(media, 12, "<4sI", opened=b"LIST") if chunk.name == b"strh"]
    if stream >= len(streams) or not streams[stream].content.startswith(b"auds"):
        return None
    scale, rate, _, length = struct.unpack_from("<IIII", streams[stream].content, 20)
    return float(length * scale / rate)


def _of_asf(media: BinaryIO, _: int) -> float | None:
    """Of a file whose size differs from what its header says FFmpeg makes a guess."""
    for chunk in chunks(media, 30, "<16sQ", counted_bytes=24, padding=1):
        if chunk.name == ASF_FILE_PROPERTIES:
            play, _, preroll_ms, flags = struct.unpack_from("<QQQI", chunk.content, 40)
            return None if flags & _ASF_BROADCAST else play / _ASF_TICKS_PER_S - preroll_ms / 1000
    return None


_READERS: Final[dict[str, Callable[[BinaryIO, int], float | None]]] = {
    "wav": _of_wav, "w64": _of_w64, "caf": _of_caf, "avi": _of_avi, "asf": _of_asf,
}  # fmt: skip
