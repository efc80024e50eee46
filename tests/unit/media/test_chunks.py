"""Walks through files of chunks, sound and broken."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.media.chunks import Chunk, chunks, chunks_up_to

RIFF = "<4sI"


def names(content: bytes, start: int = 0, opened: bytes = b"") -> list[bytes]:
    return [chunk.name for chunk in chunks(io.BytesIO(content), start, RIFF, opened=opened)]


def piece(name: bytes, content: bytes, *, size: int | None = None) -> bytes:
    return struct.pack(RIFF, name, len(content) if size is None else size) + content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"data\1\0\0", []),  # half a header
        (piece(b"fmt ", b"1234") + piece(b"data", b"12"), [b"fmt ", b"data"]),
        (piece(b"fmt ", b"123") + b"\0" + piece(b"data", b"12"), [b"fmt ", b"data"]),  # padded to an even length
        (piece(b"fmt ", b"12", size=2**32 - 1) + piece(b"data", b"12"), [b"fmt "]),  # promises what is not there
        (piece(b"same", b"") * 2000, [b"same"] * 1000),  # there is an end to everything
    ],
)
def test_a_walk_goes_as_far_as_the_file(content: bytes, expected: list[bytes]) -> None:
    assert names(content) == expected


def test_a_walk_starts_where_it_is_told() -> None:
    assert names(b"RIFF1234WAVE" + piece(b"data", b"12"), start=12) == [b"data"]


def test_chunks_that_hold_others_are_walked_into() -> None:
    inner = piece(b"strh", b"12") + piece(b"strf", b"34")
    content = piece(b"LIST", b"hdrl" + inner) + piece(b"idx1", b"")
    assert names(content) == [b"LIST", b"idx1"]
    assert names(content, opened=b"LIST") == [b"LIST", b"strh", b"strf", b"idx1"]


def test_a_size_may_count_its_own_header_and_other_paddings() -> None:
    content = struct.pack("<4sQ", b"fmt ", 12 + 5) + b"12345" + bytes(3) + struct.pack("<4sQ", b"data", 12) + b""
    found = list(chunks(io.BytesIO(content), 0, "<4sQ", counted_bytes=12, padding=8))
    assert found == [Chunk(b"fmt ", 5, b"12345"), Chunk(b"data", 0, b"")]


def test_only_the_start_of_a_large_chunk_is_read() -> None:
    (found,) = chunks(io.BytesIO(piece(b"data", bytes(100_000))), 0, RIFF)
    assert (found.size, len(found.content)) == (100_000, 256)


def test_a_field_is_read_from_where_it_stands_or_is_missing() -> None:
    chunk = Chunk(b"fmt ", 4, b"\0\0\x39\x30")
    assert chunk.number("<H", 2) == 12345
    with pytest.raises(struct.error):
        chunk.number("<I", 2)


def test_of_chunks_with_one_name_up_to_the_last_the_latest_counts() -> None:
    walk = iter([Chunk(name, size, b"") for size, name in enumerate([b"a", b"b", b"a", b"data", b"a"])])
    found = chunks_up_to(b"data", walk)
    assert {name: chunk.size for name, chunk in found.items()} == {b"a": 2, b"b": 1, b"data": 3}
    assert [chunk.size for chunk in walk] == [4]


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([1, 2, 8]), st.sampled_from([0, 8, 24]))
def test_any_bytes_are_walked_to_an_end(content: bytes, start: int, padding: int, counted_bytes: int) -> None:
    found = list(chunks(io.BytesIO(content), start, RIFF, counted_bytes=counted_bytes, padding=padding, opened=b"LIST"))
    assert len(found) <= 1000
    assert all(len(chunk.content) <= chunk.size for chunk in found)
