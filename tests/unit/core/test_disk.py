"""Whatever the system says of the scratch folder, jobs wait for it, and the message says what to do."""

from __future__ import annotations

import errno
import os

import pytest

from consumer.core.disk import ADVICE, disk_error
from consumer.core.failures import OutageError, PermanentError
from contracts.errors import ErrorCode

OPEN = {
    errno.EACCES, errno.EDQUOT, errno.ELOOP, errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENOENT, errno.ENOMEM,
    errno.ENOSPC, errno.ENOTDIR, errno.ENXIO, errno.EOPNOTSUPP, errno.EPERM, errno.EROFS,
}  # fmt: skip
"""Of open(2), without what a fresh file without a name in a folder cannot meet (EEXIST, EISDIR, ETXTBSY and so on)."""
WRITE = {errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EPERM}
"""Of write(2), likewise; EFBIG has a rule of its own."""
NETWORK_DISKS = {errno.ESTALE, errno.ETIMEDOUT, errno.EIO}


@pytest.mark.parametrize("number", sorted(OPEN | WRITE | NETWORK_DISKS))
def test_what_files_can_raise_has_its_advice_and_is_an_outage(number: int) -> None:
    error = disk_error(OSError(number, os.strerror(number)), "no file can be made in /scratch")
    assert isinstance(error, OutageError)
    assert error.code is ErrorCode.SCRATCH_FULL
    head = f"no file can be made in /scratch (STENO_SCRATCH__DIR): {os.strerror(number)}; "
    assert error.message == head + ADVICE[number]


@pytest.mark.parametrize("error", [OSError(errno.EPROTO, "Protocol error"), OSError("odd")])
def test_anything_else_is_an_outage_too(error: OSError) -> None:
    found = disk_error(error, "the fetched file cannot be kept")
    assert isinstance(found, OutageError)
    assert found.message.endswith("; look at it")


def test_a_file_that_is_too_large_for_the_file_system_waits_for_nothing() -> None:
    error = disk_error(OSError(errno.EFBIG, "File too large"), "the fetched file cannot be kept")
    assert isinstance(error, PermanentError)
    assert error.code is ErrorCode.INPUT_TOO_LARGE
