"""The fetched file as FFmpeg reads it."""

from __future__ import annotations

import io
import os


class MediaFile(io.FileIO):
    """Reads from a descriptor, which it closes.

    A damaged index may tell a place beyond what any file can have. There is nothing to read there, and that is no
    error of the system's: PyAV would raise it in the midst of decoding, past FFmpeg, which knows how to go on.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "rb")
        self._size = os.fstat(descriptor).st_size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Goes no further than the end."""
        if whence == os.SEEK_SET and self._size:
            offset = max(0, min(offset, self._size))
        return super().seek(offset, whence)
