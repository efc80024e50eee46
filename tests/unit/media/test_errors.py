"""No error of PyAV is left without a meaning of ours."""

from __future__ import annotations

import errno
import inspect
import io
import os

import av.error
import pytest

from consumer.media.decode import decode
from consumer.media.errors import BY_CLASS, FAILING, FOREIGN, fault_of
from consumer.media.faults import Fault
from consumer.media.limits import MIX, DecodeLimits
from consumer.ports import SAMPLE_RATE_HZ
from tests import media

JUDGED_AS_CORRUPT = frozenset(
    (
        # Damage shows as these.
        "InvalidDataError", "EOFError", "ArgumentError", "OverflowError", "BufferTooSmallError", "BugError",
        "ExternalError", "UnknownError", "UndefinedError", "InputChangedError", "OutputChangedError", "LookupError",
        "BSFNotFoundError", "FilterNotFoundError", "OptionNotFoundError", "ProtocolNotFoundError", "OSError",
        "PermissionError", "BlockingIOError", "InterruptedError", "FileNotFoundError", "TimeoutError",
        # Of devices, processes, networks and writing: a decoder has none of them.
        "EncoderNotFoundError", "MuxerNotFoundError", "ExitError", "ChildProcessError", "ConnectionAbortedError",
        "ConnectionRefusedError", "ConnectionResetError", "FileExistsError", "IsADirectoryError", "NotADirectoryError",
        "BrokenPipeError", "ProcessLookupError", "HTTPError", "HTTPServerError", "HTTPClientError",
        "HTTPBadRequestError", "HTTPUnauthorizedError", "HTTPForbiddenError", "HTTPNotFoundError",
        "HTTPTooManyRequestsError", "HTTPOtherClientError",
    )
)  # fmt: skip
"""By their base, on purpose. A class that is new in another version of PyAV is not here: list it, or give it a row."""

THEIRS = sorted(
    {kind for kind in vars(av.error).values() if inspect.isclass(kind) and issubclass(kind, av.error.FFmpegError)},
    key=repr,
)


class FailingDisk(io.BytesIO):
    """Media on a disk that fails after some reads."""

    def __init__(self, content: bytes, good_reads: int) -> None:
        super().__init__(content)
        self._left = good_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


def test_there_are_classes_to_decide_on() -> None:
    assert len(THEIRS) > 40


@pytest.mark.parametrize("kind", THEIRS)
def test_every_class_of_the_library_is_decided_on(kind: type[av.error.FFmpegError]) -> None:
    assert (kind in BY_CLASS) != (kind.__name__ in JUDGED_AS_CORRUPT), f"{kind} has no row, or a row and a place"
    if kind not in BY_CLASS:
        assert fault_of(kind(1, "text")) is Fault.CORRUPT


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (av.error.MemoryError(errno.ENOMEM, "text"), Fault.OUT_OF_MEMORY),
        (MemoryError(), Fault.OUT_OF_MEMORY),
        (av.error.PatchWelcomeError(1, "text"), Fault.UNKNOWN_CODEC),
        (av.error.OSError(errno.EIO, "text"), Fault.CORRUPT),
    ],
)
def test_an_error_has_one_meaning(error: Exception, fault: Fault) -> None:
    assert isinstance(error, FOREIGN)
    assert fault_of(error) is fault


@pytest.mark.parametrize("good_reads", [0, 3])
def test_a_disk_that_fails_is_not_the_medias_fault(good_reads: int) -> None:
    """FFmpeg calls damaged media EIO; what the system calls so comes past it, as it is."""
    disk = FailingDisk(media.make_audio("mp3", "libmp3lame", seconds=30, options={}), good_reads)
    limits = DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=0)
    with pytest.raises(OSError, match="Input/output error") as caught:
        decode(disk, [io.BytesIO()], SAMPLE_RATE_HZ, layout=MIX, limits=limits)
    assert not isinstance(caught.value, FOREIGN)
    assert caught.value.errno in FAILING


def test_what_a_decoder_may_not_have_is_no_failing_machine() -> None:
    """Landlock says EACCES, and without it the limit on open files EMFILE."""
    assert not FAILING & {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOENT}
