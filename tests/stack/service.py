"""One service process: started in a directory of its own, awaited, ended with its parent."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from tests.stack import leash

_START_DEADLINE_S: Final = 90.0
_STOP_DEADLINE_S: Final = 10.0
_POLL_S: Final = 0.05
_LOG_TAIL_CHARS: Final = 2000

T = TypeVar("T")


class MissingServiceError(Exception):
    """A service cannot be had on this machine; the message says what would make it so."""


class ImpairedServiceError(MissingServiceError):
    """Likewise, though the machine looks as if it could: worth telling even where another service takes its place."""


def first_of(
    providers: Sequence[Callable[[], AbstractContextManager[T]]], stack: ExitStack,
    *, tell: Callable[[str], None] = lambda _: None,
) -> T:  # fmt: skip
    """Enters the first provider that can serve; the stack ends it.

    Args:
        providers: in order of preference.
        stack: ends what was entered.
        tell: is given the reasons of those that are impaired and were passed over.

    Raises:
        MissingServiceError: none can; the message has every reason.
    """
    reasons = []
    for provider in providers:
        try:
            return stack.enter_context(provider())
        except MissingServiceError as exc:
            reasons.append(str(exc))
            if isinstance(exc, ImpairedServiceError):
                tell(str(exc))
    raise MissingServiceError("; ".join(reasons))


@contextmanager
def work_directory() -> Iterator[Path]:
    """A directory for one service; whoever runs in it removes it, this only after a failure."""
    directory = Path(tempfile.mkdtemp(prefix="steno-stack-"))
    try:
        yield directory
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


@dataclass(frozen=True)
class Holder:
    """The process above a service."""

    process: subprocess.Popen[bytes]
    directory: Path
    is_up: Callable[[], bool]

    def stop(self) -> None:
        """Kills the service; what it wrote stays."""
        self._order(leash.STOP)
        deadline = time.monotonic() + _STOP_DEADLINE_S
        while not (self.directory / leash.EXITED).exists():
            assert time.monotonic() < deadline, "the service does not end"
            time.sleep(_POLL_S)

    def start(self) -> None:
        """Runs a stopped service again, at its old address on its old data, and waits until it is up."""
        self._order(leash.START)
        while (self.directory / leash.EXITED).exists():
            time.sleep(_POLL_S)
        _await(self.is_up, self.directory)

    def _order(self, order: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order)
        self.process.stdin.flush()


@contextmanager
def running(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], is_up: Callable[[], bool]
) -> Iterator[Holder]:
    """Runs a service until the context ends or this process dies; enters once it is up.

    Args:
        command: what to run.
        directory: its working directory and home of its log; removed at the end.
        environment: all that it will see.
        is_up: asked again and again until true; must not block for long.

    Raises:
        MissingServiceError: it ended, or was not up in time; the message ends with its log.
    """
    holder = subprocess.Popen(
        [sys.executable, str(Path(leash.__file__)), str(directory), *command],
        env=dict(environment),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _await(is_up, directory)
        yield Holder(holder, directory, is_up)
    finally:
        holder.stdin.close()  # type: ignore[union-attr]  # a pipe was asked for
        with suppress(subprocess.TimeoutExpired):
            holder.wait(_STOP_DEADLINE_S)


def _await(is_up: Callable[[], bool], directory: Path) -> None:
    deadline = time.monotonic() + _START_DEADLINE_S
    while not is_up():
        if (directory / leash.EXITED).exists():
            raise MissingServiceError(f"the service ended at start: {_log_tail(directory)}")
        if time.monotonic() > deadline:
            raise MissingServiceError(f"not up after {_START_DEADLINE_S:.0f} s: {_log_tail(directory)}")
        time.sleep(_POLL_S)


def _log_tail(directory: Path) -> str:
    log = directory / leash.LOG
    return log.read_text(errors="replace")[-_LOG_TAIL_CHARS:] if log.exists() else "no log"


def free_ports(count: int) -> list[int]:
    """TCP ports of the loopback interface that nobody listens on now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a loopback port."""
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex(("127.0.0.1", port)) == 0
