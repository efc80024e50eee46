"""The files a decoder is given."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile

import pytest

from consumer.media.descriptors import opened_for_reading, sample_memory, seal


def test_media_is_read_from_its_start_whatever_its_position() -> None:
    with tempfile.TemporaryFile() as media:
        media.write(b"some media")
        with opened_for_reading(media) as descriptor:
            assert os.read(descriptor, 100) == b"some media"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux opens a file anew")
def test_media_cannot_be_written_and_keeps_its_own_position() -> None:
    with tempfile.TemporaryFile() as media:
        media.write(b"some media")
        with opened_for_reading(media) as first, opened_for_reading(media) as second:
            assert os.read(first, 4) == os.read(second, 4) == b"some"
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.write(first, b"x")
        assert media.tell() == 10


def test_sample_memory_has_no_name() -> None:
    with sample_memory() as samples:
        samples.write(b"ab")
        assert os.fstat(samples.fileno()).st_size == 2
        assert os.fstat(samples.fileno()).st_nlink == 0


@pytest.mark.skipif(sys.platform != "linux", reason="seals are Linux's")
def test_sealed_memory_is_read_and_never_changed() -> None:
    with sample_memory() as memory:
        memory.write(b"samples")
        elsewhere = os.dup(memory.fileno())
        assert seal(memory)
        try:
            for change in (lambda: os.write(elsewhere, b"x"), lambda: os.ftruncate(elsewhere, 0)):
                with pytest.raises(PermissionError):
                    change()
            assert os.pread(elsewhere, 100, 0) == b"samples"
        finally:
            os.close(elsewhere)


@pytest.mark.skipif(sys.platform != "linux", reason="seals are Linux's")
def test_memory_that_somebody_has_mapped_to_write_is_not_sealed() -> None:
    with sample_memory() as memory:
        memory.write(b"samples")
        with mmap.mmap(memory.fileno(), 7):
            assert not seal(memory)
        assert seal(memory)
