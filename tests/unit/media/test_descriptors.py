"""The files a decoder is given."""

from __future__ import annotations

import os
import sys
import tempfile

import pytest

from consumer.media.descriptors import opened_for_reading, sample_memory


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
