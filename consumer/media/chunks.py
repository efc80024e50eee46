"""Files made of named chunks, one behind the other, each with its size in front."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_MOST_CHUNKS: Final = 1000
_MOST_BYTES: Final = 256
"""Of one chunk that are read."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A named piece of a file."""

    name: bytes
    size: int
    """As it promises; the file may be shorter."""
    content: bytes
    """The first bytes."""

    def number(self, form: str, offset: int) -> int:
        """One of the content's fields.

        Raises:
            struct.error: there are not so many bytes.
        """
        number: int = struct.unpack_from(form, self.content, offset)[0]
        return number


def chunks(
    media: BinaryIO, start: int, form: str, *, counted_bytes: int = 0, padding: int = 2, opened: bytes = b""
) -> Iterator[Chunk]:
    """Walks through a file, as far as it goes.

    Args:
        media: its position is lost.
        start: of the first chunk.
        form: of a chunk's own header: name and size.
        counted_bytes: of that header, which the size counts in.
        padding: a chunk's length is a multiple of so many bytes.
        opened: the name of chunks that hold others, after four bytes.
    """
    end = media.seek(0, 2)
    for _ in range(_MOST_CHUNKS):
        if start + struct.calcsize(form) > end:
            return
        media.seek(start)
        header = media.read(struct.calcsize(form))
        name, size = struct.unpack(form, header)
        size = max(0, size - counted_bytes)
        yield Chunk(name, size, media.read(min(size, _MOST_BYTES)))
        start += len(header) + (4 if name == opened else -(-size // padding) * padding)


def chunks_up_to(last: bytes, walk: Iterator[Chunk]) -> dict[bytes, Chunk]:
    """By name, of several with one name the latest."""
    found = {}
    for chunk in walk:
        found[chunk.name] = chunk
        if chunk.name == last:
            break
    return found
