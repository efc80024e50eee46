"""Media as FFmpeg reads it."""

from __future__ import annotations

import os
import tempfile

import pytest

from consumer.media.file import MediaFile


@pytest.mark.parametrize(("offset", "left"), [(0, b"abc"), (2, b"c"), (3, b""), (2**62, b""), (2**63 - 1, b"")])
def test_beyond_the_end_there_is_nothing_to_read(offset: int, left: bytes) -> None:
    with tempfile.TemporaryFile() as content:
        content.write(b"abc")
        content.flush()
        with MediaFile(os.dup(content.fileno())) as media:
            media.seek(offset)
            assert media.read() == left
            assert media.seek(0, os.SEEK_END) == 3
