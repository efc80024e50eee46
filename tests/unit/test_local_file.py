"""Files of this machine, opened once."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import socket
from pathlib import Path

import pytest

from consumer.core.failures import JobError
from consumer.local_file import LocalFile
from contracts.errors import ErrorCode

CONTENT = b"speech" * 1000


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(CONTENT)
    return path


async def test_a_file_is_hashed_whole(talk: Path) -> None:
    with LocalFile.open(talk) as file:
        fetched = await file.fetched(max_bytes=len(CONTENT))
    assert (fetched.size_bytes, fetched.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


async def test_a_file_that_is_removed_meanwhile_is_read_to_its_end(talk: Path) -> None:
    with LocalFile.open(talk) as file:
        os.unlink(talk)  # noqa: PTH108 - takes no time
        assert (await file.fetched(max_bytes=len(CONTENT))).size_bytes == len(CONTENT)
        file.check_unchanged()


async def test_a_file_too_large_is_refused(talk: Path) -> None:
    limit = r"at most 5999 are taken \(STENO_MEDIA__MAX_BYTES\)"
    with LocalFile.open(talk) as file, pytest.raises(JobError, match=limit) as refused:
        await file.fetched(max_bytes=len(CONTENT) - 1)
    assert refused.value.code is ErrorCode.INPUT_TOO_LARGE


def test_a_file_that_is_written_to_meanwhile_is_refused(talk: Path) -> None:
    with LocalFile.open(talk) as file, talk.open("ab", buffering=0) as writer:
        writer.write(b"more")
        with pytest.raises(JobError, match="once it is written to its end") as refused:
            file.check_unchanged()
    assert refused.value.code is ErrorCode.INPUT_CHANGED


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    path = {"pipe": tmp_path / "pipe.wav", "device": Path("/dev/zero"), "folder": tmp_path}[kind]
    with (
        pytest.raises(JobError, match=f"is a {kind} and no file; save what it gives to a file") as refused,
        LocalFile.open(path),
    ):
        pass
    assert refused.value.code is ErrorCode.INPUT_FORBIDDEN


def test_a_socket_is_refused_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(JobError, match="cannot be read") as refused, LocalFile.open(tmp_path / "s"):
            pass
    assert refused.value.code is ErrorCode.INPUT_FORBIDDEN


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="missing does not exist") as refused, LocalFile.open(tmp_path / "missing"):
        pass
    assert refused.value.code is ErrorCode.INPUT_NOT_FOUND


@pytest.fixture
def unreadable(talk: Path) -> LocalFile:
    """Opens like a file and reads like a disk that fails."""
    return LocalFile(talk, Failing(OSError(errno.EIO, "Input/output error")), talk.stat())


class Failing(io.BytesIO):
    """Fails to be read."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002 - the signature of files
        raise self._error


async def test_a_disk_that_fails_is_an_error_of_this_input(unreadable: LocalFile) -> None:
    with pytest.raises(JobError, match="cannot be read: Input/output error") as refused:
        await unreadable.fetched(max_bytes=len(CONTENT))
    assert refused.value.code is ErrorCode.INPUT_FORBIDDEN


def test_what_fails_beside_the_file_is_no_error_of_it(talk: Path) -> None:
    with pytest.raises(OSError, match="Too many open files"), LocalFile.open(talk):
        raise OSError(errno.EMFILE, "Too many open files")


def test_no_descriptor_to_open_it_with_is_no_error_of_it(talk: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(JobError, match=r"Too many open files; raise .* \(ulimit -n\)") as refused:
            LocalFile.open(talk).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refused.value.code is ErrorCode.INTERNAL
