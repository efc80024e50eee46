"""What the system says while media is put on the local disk, in one table: what it means, and what to do."""

from __future__ import annotations

import errno
from typing import Final

from consumer.core.failures import OutageError, PermanentError
from contracts.errors import ErrorCode

ADVICE: Final = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or raise the quota",
    errno.EROFS: "it is mounted read-only: look at the disk, and mount it again to be written",
    errno.EIO: "the disk fails: replace it",
    **dict.fromkeys((errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT), "its disk is gone: mount it again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "let the worker's user write there"),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ELOOP), "there is no such folder: make it"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit on open files (ulimit -n)"),
    **dict.fromkeys((errno.ENOMEM, errno.ENOBUFS), "memory is short: give the worker more"),
    errno.EOPNOTSUPP: "its file system makes no files without a name: choose another",
}
"""By error number. All of it is this machine's trouble: jobs wait until it is over, or go to another worker."""

_OTHERWISE: Final = "look at it"


def disk_error(error: OSError, doing: str) -> OutageError | PermanentError:
    """Our error for one of the system's; `doing` says what came to nothing, such as "no file can be made in /tmp"."""
    what = f"{doing} (STENO_SCRATCH__DIR): {error.strerror or error}"
    if error.errno == errno.EFBIG:  # its file system, or ulimit -f, allows no file of this size, now or later
        return PermanentError(ErrorCode.INPUT_TOO_LARGE, f"{what}; choose another file system, or raise ulimit -f")
    return OutageError(ErrorCode.SCRATCH_FULL, f"{what}; {advice_on(error)}")


def advice_on(error: OSError) -> str:
    """What to do about it."""
    return ADVICE.get(error.errno or 0, _OTHERWISE)
