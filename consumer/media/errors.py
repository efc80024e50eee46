"""What errors of PyAV and of the system mean while media is decoded: one table, by class. In the decoder only."""

from __future__ import annotations

import errno
from typing import Final

import av.error

from consumer.media.faults import Fault

FOREIGN: Final = (av.error.FFmpegError, MemoryError)
"""What decoding raises when it fails."""

BY_CLASS: Final[dict[type[BaseException], Fault]] = {
    av.error.MemoryError: Fault.OUT_OF_MEMORY,
    **dict.fromkeys(
        (
            av.error.DecoderNotFoundError, av.error.PatchWelcomeError, av.error.ExperimentalError,
            av.error.NotImplementedError,
        ),
        Fault.UNKNOWN_CODEC,
    ),
    av.error.DemuxerNotFoundError: Fault.UNSUPPORTED,
    # FFmpeg says EIO, EINVAL and the like of damaged media. What the system says comes as it is, past FFmpeg.
    av.error.FFmpegError: Fault.CORRUPT,
    av.error.PyAVCallbackError: Fault.MACHINE,
    MemoryError: Fault.OUT_OF_MEMORY,
}  # fmt: skip
"""The nearest class in an error's own order counts."""


FAILING: Final = frozenset(
    (
        errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.ENOBUFS, errno.ENXIO, errno.ENODEV, errno.ESTALE,
        errno.ETIMEDOUT,
    )
)  # fmt: skip
"""What the system says of a file that is open already when its disk, or memory, fails. Anything else it says to a
decoder that asks for what it may not have."""


def fault_of(error: BaseException) -> Fault:
    """Judges one of the `FOREIGN` errors."""
    return next(BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS)
