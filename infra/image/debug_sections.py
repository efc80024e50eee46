"""Takes debug information out of a shared library without touching a byte that is ever loaded.

`strip` lays libraries out anew, and those that wheels carry were already laid out by patchelf: the two do not always
agree. Here what no segment and no other section holds is cut out in whole pages, and offsets are moved by as much.
"""

# ruff: noqa: INP001 - a module of the image's build, not a package
from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

_IDENTITY: Final = b"\x7fELF\x02\x01"  # 64 bits, little-endian: amd64 and arm64
_FILE_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_UNUSED_SECTION: Final = bytes(_SECTION.size)
_LOADED: Final = 1
_NO_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of one of the two tables: where it stands, and which bytes of the file it speaks of."""

    at: int
    kind: int
    offset: int
    size: int
    name: bytes = b""
    page: int = 0

    @property
    def is_debug(self) -> bool:
        return self.name.startswith(b".debug_")


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a library's tables say."""

    segments: tuple[_Entry, ...]
    sections: tuple[_Entry, ...]
    tables: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, library: bytes) -> Self:
        header = _FILE_HEADER.unpack_from(library)
        segments_at, sections_at, segments, sections, names = header[5], header[6], header[10], header[12], header[13]
        segment_end = segments_at + segments * _SEGMENT.size
        section_end = sections_at + sections * _SECTION.size
        return cls(
            tuple(_segment(library, at) for at in range(segments_at, segment_end, _SEGMENT.size)),
            tuple(_named(library, range(sections_at, section_end, _SECTION.size), names)),
            ((0, _FILE_HEADER.size), (segments_at, segment_end), (sections_at, section_end)),
        )

    @property
    def page(self) -> int:
        """What every offset must be moved by a multiple of."""
        return max(segment.page for segment in self.segments)

    def kept(self) -> list[tuple[int, int]]:
        """Ranges of bytes that somebody needs, in their order."""
        sections = [each for each in self.sections if each.kind != _NO_BYTES and not each.is_debug]
        spans = [(each.offset, each.offset + each.size) for each in (*self.segments, *sections)]
        return sorted((*self.tables, *spans))

    def holes(self, size: int) -> Iterator[tuple[int, int]]:
        """Ranges in whole pages that only debug sections hold, in their order."""
        end = 0
        for (_, before), (start, _) in pairwise([*self.kept(), (size, size)]):
            end = max(end, before)
            if (pages := (start - end) // self.page) > 0:
                yield end, end + pages * self.page


def without_debug_sections(library: bytes) -> bytes:
    """The same library, smaller; the same bytes where there is nothing to cut."""
    if not library.startswith(_IDENTITY):
        return library
    layout = _Layout.of(library)
    holes = tuple(layout.holes(len(library))) if any(each.is_debug for each in layout.sections) else ()
    smaller = bytearray(library)
    for section in layout.sections:
        if section.is_debug:
            smaller[section.at : section.at + _SECTION.size] = _UNUSED_SECTION
        else:
            _move(smaller, section.at + 24, section.offset, holes)
    for segment in layout.segments:
        _move(smaller, segment.at + 8, segment.offset, holes)
    for at in (32, 40):  # of the file's header: where the two tables are
        (offset,) = struct.unpack_from("<Q", library, at)
        _move(smaller, at, offset, holes)
    for start, end in reversed(holes):
        del smaller[start:end]
    return bytes(smaller)


def loaded_bytes(library: bytes) -> list[tuple[int, bytes]]:
    """What a loader puts where, less the tables of offsets, which it reads from the file."""
    layout = _Layout.of(library)
    blank = bytearray(library)
    for start, end in layout.tables:
        blank[start:end] = bytes(end - start)
    return [
        (struct.unpack_from("<Q", library, each.at + 16)[0], bytes(blank[each.offset : each.offset + each.size]))
        for each in layout.segments
        if each.kind == _LOADED
    ]


def strip_in_place(file: Path) -> int:
    """Cuts one file and says by how many bytes.

    Raises:
        ValueError: what is loaded would not be the same.
    """
    before = file.read_bytes()
    after = without_debug_sections(before)
    if after == before:
        return 0
    if loaded_bytes(before) != loaded_bytes(after):
        raise ValueError(f"{file} would be loaded differently without its debug sections")
    file.write_bytes(after)
    return len(before) - len(after)


def _segment(library: bytes, at: int) -> _Entry:
    kind, _, offset, _, _, size, _, alignment = _SEGMENT.unpack_from(library, at)
    return _Entry(at, kind, offset, size, page=alignment if kind == _LOADED else 1)


def _named(library: bytes, places: range, names: int) -> Iterator[_Entry]:
    rows = [(at, _SECTION.unpack_from(library, at)) for at in places]
    first_name = rows[names][1][4]
    for at, (name, kind, _, _, offset, size, *_) in rows:
        start = first_name + name
        yield _Entry(at, kind, offset, size, name=library[start : library.index(b"\0", start)])


def _move(library: bytearray, at: int, offset: int, holes: tuple[tuple[int, int], ...]) -> None:
    cut = sum(end - start for start, end in holes if end <= offset)
    struct.pack_into("<Q", library, at, offset - cut)
