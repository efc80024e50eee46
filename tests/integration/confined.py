"""A program that tries one thing, confined as a decoder is or free, and ends with 0 if it could do it.

`python -I confined.py free|confined ATTEMPT`: status 3 when the system refused.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from consumer.media.sandbox import confine

MIB: Final = 1024**2
REFUSED: Final = 3
_PTRACE_SEIZE: Final = 0x4206
LIMIT_BYTES: Final = 64 * MIB


def read_file() -> None:
    """Reads a file that everybody may read."""
    Path("/etc/passwd").read_bytes()


def list_folder() -> None:
    """Lists a folder."""
    list(Path("/").iterdir())


def write_file() -> None:
    """Makes a file."""
    with tempfile.NamedTemporaryFile():
        pass


def read_environment_of_parent() -> None:
    """Reads what may hold credentials."""
    Path(f"/proc/{os.getppid()}/environ").read_bytes()


def make_tcp_socket() -> None:
    """Makes a TCP socket."""
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def make_udp_socket() -> None:
    """Makes a UDP socket."""
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def make_unix_socket() -> None:
    """Makes a Unix socket."""
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()


def make_pipe() -> None:
    """Makes a pipe."""
    os.pipe()


def duplicate_descriptor() -> None:
    """Duplicates a descriptor that is open."""
    os.dup(sys.stderr.fileno())


def raise_descriptor_limit() -> None:
    """Takes the right to open descriptors back."""
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    except ValueError as exc:
        raise PermissionError("the limit stays") from exc


def signal_parent() -> None:
    """Asks whether a process outside may be signalled."""
    os.kill(os.getppid(), 0)


def trace_parent() -> None:
    """Takes hold of a process outside as a debugger does, without stopping it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_SEIZE, os.getppid(), None, None):
        raise OSError(ctypes.get_errno(), "ptrace")


def run_program() -> None:
    """Becomes another program."""
    os.execv("/bin/true", ["true"])  # noqa: S606 - no shell on purpose


def fork() -> None:
    """Makes a child."""
    if os.fork() == 0:
        os._exit(0)


def take_memory() -> None:
    """Takes more memory than allowed."""
    try:
        bytearray(2 * LIMIT_BYTES)
    except MemoryError as exc:
        raise OSError("out of memory") from exc


def grow_samples() -> None:
    """Writes more into memory that was given than allowed."""
    os.lseek(SAMPLES, LIMIT_BYTES, os.SEEK_SET)
    os.write(SAMPLES, b"x")


def use_what_is_open() -> None:
    """Writes into memory that was given."""
    os.write(SAMPLES, b"x")


def burn_cpu() -> None:
    """Computes for more than its second."""
    while os.times().user < 3:
        pass


SAMPLES: Final = os.memfd_create("samples")
ATTEMPTS: Final[dict[str, Callable[[], None]]] = {
    attempt.__name__: attempt
    for attempt in (
        read_file, list_folder, write_file, read_environment_of_parent, make_tcp_socket, make_udp_socket,
        make_unix_socket, make_pipe, duplicate_descriptor, raise_descriptor_limit, signal_parent, trace_parent,
        run_program, fork, take_memory, grow_samples, use_what_is_open, burn_cpu,
    )
}  # fmt: skip


def main(how: str, name: str) -> int:
    """Tries it; the exit status says whether that worked."""
    if how == "confined":
        confine(memory_bytes=LIMIT_BYTES, cpu_s=1, file_bytes=LIMIT_BYTES)
    try:
        ATTEMPTS[name]()
    except OSError:
        return REFUSED
    return 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
