"""Whether a file ends too early, for containers that tell this but not by how much."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, Final

from consumer.media.chunks import chunks
from consumer.media.headers import ASF_FILE_PROPERTIES

_OGG_PAGE_HEADER: Final = 27
_OGG_LONGEST_PAGE: Final = _OGG_PAGE_HEADER + 255 + 255 * 255
_MOST_BOXES: Final = 100_000
"""A fragmented MP4 of four hours has some 30,000."""
_SEGMENT: Final = bytes.fromhex("18538067")
_EBML_HEADER_BYTES: Final = 256
"""Longest header in front of the segment; 40 bytes are usual."""


def is_cut_off(media: BinaryIO, container: str) -> bool:
    """Whether the file breaks off in the midst of something.

    Args:
        media: stays where it is.
        container: FFmpeg's name of it.
    """
    look = _LOOKS.get(container)
    position = media.tell()
    try:
        size = media.seek(0, 2)
        return look(media, size) if look else False
    except (struct.error, IndexError, ValueError):
        return False
    finally:
        media.seek(position)


def _in_a_page(media: BinaryIO, size: int) -> bool:
    media.seek(max(0, size - _OGG_LONGEST_PAGE))
    _, mark, page = media.read().rpartition(b"OggS")
    if not mark:
        return False
    lengths = page[_OGG_PAGE_HEADER - 4 :][: page[_OGG_PAGE_HEADER - 5]]
    return len(page) < _OGG_PAGE_HEADER - 4 + page[_OGG_PAGE_HEADER - 5] + sum(lengths)


def _in_a_box(media: BinaryIO, size: int) -> bool:
    """Only in one that matters: what follows the last of them may be anything."""
    start = 0
    for _ in range(_MOST_BOXES):
        media.seek(start)
        header = media.read(16)
        length, name = struct.unpack_from(">I4s", header)
        length = struct.unpack_from(">Q", header, 8)[0] if length == 1 else length
        if length < 8 or start + length >= size:  # noqa: PLR2004 - a box's own header
            return name in (b"mdat", b"moof", b"moov") and start + length > size
        start += length
    return False


def _in_the_segment(media: BinaryIO, size: int) -> bool:
    """What Matroska holds is one segment; its writer may have left the length open."""
    media.seek(0)
    start = media.read(_EBML_HEADER_BYTES)
    place = start.index(_SEGMENT) + len(_SEGMENT)
    width = 9 - start[place].bit_length()
    length = int.from_bytes(start[place : place + width]) & ~(1 << 7 * width)
    return length != (1 << 7 * width) - 1 and place + width + length > size


def _before_its_size(media: BinaryIO, size: int) -> bool:
    for chunk in chunks(media, 30, "<16sQ", counted_bytes=24, padding=1):
        if chunk.name == ASF_FILE_PROPERTIES:
            return chunk.number("<Q", 16) > size
    return False


_LOOKS: Final[dict[str, Callable[[BinaryIO, int], bool]]] = {
    "ogg": _in_a_page, "mov,mp4,m4a,3gp,3g2,mj2": _in_a_box, "matroska,webm": _in_the_segment,
    "asf": _before_its_size,
}  # fmt: skip
